"""Where requests go."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path

from touchstone.server.api.problems import problem
from touchstone.server.api.routes import api

urlpatterns = [path("v1/", api.urls)]


def _says(status: int) -> Callable[..., HttpResponse]:
    def handler(request: HttpRequest, exception: Any = None) -> HttpResponse:
        del request, exception
        return problem(status)

    return handler


handler400, handler403, handler404, handler500 = map(_says, (400, 403, 404, 500))
