"""The front end: modules and styles of the page, which the report inlines and the studio serves."""
