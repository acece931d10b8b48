"""The formats of a transcript, a module for each family; `app.services.export_service` is the way in."""
