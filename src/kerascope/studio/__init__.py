"""The studio: the front end on a local server, with live models in processes of their own."""
