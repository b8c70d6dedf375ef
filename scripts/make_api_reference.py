"""Write docs/reference/api.md from what the API says of itself, and from its table of routes.

python scripts/make_api_reference.py          # writes it
python scripts/make_api_reference.py --check  # exit 1 where it is not current
"""

import json
import sys
from pathlib import Path
from typing import Any

from touchstone.server.settings import set_up_server

set_up_server()

from touchstone.server.api.declared import DECLARED, Need  # noqa: E402 - once Django is set up
from touchstone.server.api.problems import CODES  # noqa: E402
from touchstone.server.api.routes import described  # noqa: E402

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "api.md"
HEAD = """# The API

Written by `scripts/make_api_reference.py` from the API itself; a test says when it is not
current. `GET /v1/openapi.json` gives it as OpenAPI 3.1. [Serve parties over
HTTP](../how-to/serve.md) says how a server is started, and [Let people in at a
server](../how-to/accounts.md) where tokens come from.

- A token goes into `Authorization: Bearer ...`. What it is for (its *scopes*) and who holds it
  (*roles*) must fit the route.
- Bodies are canonical JSON (RFC 8785 with integers below 2^53, each key once, at most 1 MiB and
  16 deep) under `application/json`, with a `Content-Length`; evidence is
  `application/octet-stream`. Unknown fields and query names are refused.
- A case that is not there, and one that is not for whoever asks, are the same answer: 404
  `unknown`.
- A deed's answer (200) is the installation's signed line. A problem (4xx) promises nothing, and
  5xx is no answer: the same bytes may be sent again, and get the same answer once there is one.
"""


def _who(need: Need) -> str:
    if need.scope is None:
        return "anybody"
    return f"{need.scope}: {', '.join(sorted(need.roles))}"


def _fields(schema: dict[str, Any], body: dict[str, Any]) -> str:
    """The names of a body's fields."""
    content = body.get("content", {}).get("application/json", {}).get("schema", {})
    name = content.get("$ref", "").rpartition("/")[2]
    found = schema["components"]["schemas"].get(name, content).get("properties", {})
    return ", ".join(f"`{each}`" for each in found)


def _answers(responses: dict[str, Any]) -> str:
    """With which status and type a route says yes, and with which problems no."""
    yes = next(status for status in responses if status < "400")
    media = ", ".join(responses[yes].get("content", ())) or "no body"
    no = ", ".join(status for status in responses if status >= "400")
    return f"{yes} ({media}); problems {no}"


def _routes(schema: dict[str, Any]) -> str:
    parts = []
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            route = path.removeprefix("/").replace("{", "<").replace("}", ">")
            need = DECLARED[method.upper(), route]
            asked = [
                f"`{each['name']}`"
                for each in operation.get("parameters", ())
                if each["in"] == "query"
            ]
            fields = _fields(schema, operation.get("requestBody", {}))
            lines = [f"### {method.upper()} `{path}`", "", operation.get("description", "").strip()]
            lines += ["", f"- For {_who(need)}."]
            lines += [f"- Query: {', '.join(asked)}."] if asked else []
            lines += [f"- Body: {fields}."] if fields else []
            lines += [f"- Answers: {_answers(operation['responses'])}."]
            parts.append("\n".join(lines))
    return "\n\n".join(parts)


def page() -> str:
    """The whole page."""
    schema = json.loads(described())
    problems = [f"| {status} | `{code}` | {why} |" for status, (code, why) in CODES.items()]
    table = "| status | code, where none is more exact | what it says |\n|---|---|---|"
    return (
        f"{HEAD}\n## Routes\n\n{_routes(schema)}\n\n## Problems\n\n{table}\n"
        + "\n".join(problems)
        + "\n"
    )


def main(arguments: list[str]) -> int:
    """Write the page, or say whether it is current."""
    text = page()
    if "--check" in arguments:
        current = PAGE.is_file() and PAGE.read_text("utf-8") == text
        print("current" if current else "not current: python scripts/make_api_reference.py")
        return 0 if current else 1
    PAGE.write_text(text, "utf-8")
    print(f"wrote {PAGE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
