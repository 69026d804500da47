"""The bundled demo: two small nets, one of which looks at the sky instead of the vehicle."""
