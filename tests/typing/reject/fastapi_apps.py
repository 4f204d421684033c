"""What is no FastAPI application, or no class of a typed error, is refused."""

from __future__ import annotations

from fastapi import FastAPI, HTTPException
from starlette.applications import Starlette

from kaiko_fastapi import install, responses
from kaiko_middleware import NotFoundError

install(Starlette())  # error
install("app")  # error
install(FastAPI)  # error
install(FastAPI(), config={"paths": ["/v2"]})  # error
install(FastAPI(), paths=("/v2",))  # error
responses(404)  # error
responses("not_found")  # error
responses(NotFoundError())  # error
responses(HTTPException)  # error
responses(ValueError, NotFoundError)  # error
responses([NotFoundError])  # error
responses(classes=[NotFoundError])  # error
