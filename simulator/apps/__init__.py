"""The faces of a world behind sockets: one ASGI app for each service, and one over them all."""
