"""A plan as C source."""

from touchstone.evaluation.families.memory_safety.bugs import SLOTS
from touchstone.evaluation.families.memory_safety.layout import Layout
from touchstone.evaluation.families.memory_safety.plan import Handler, Plan

FILE_LIMIT = 65536
"""Largest input that a program reads, in bytes."""

_TOP = """\
/* {title}: reads one {title} file and says what is in it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct session {{
    int depth, sealed;
    unsigned {mode};
    unsigned {counter};
    uint16_t key;
    uint8_t mask;
    uint8_t *slot[{slots}];
    size_t filled[{slots}];
    int live[{slots}];
}};

static int fail(const char *why)
{{
    fprintf(stderr, "rejected: %s\\n", why);
    return -1;
}}

static uint32_t total(const uint8_t *p, size_t n)
{{
    uint32_t t = 0;
    for (size_t i = 0; i < n; i++)
        t += p[i];
    return t;
}}

{get16}{check}{mixer}static int walk(struct session *s, const uint8_t *p, size_t left);

"""

_GET16 = """\
static uint32_t get16(const uint8_t *p)
{{
    return (uint32_t)({order});
}}

"""

_WALK = """\
static int walk(struct session *s, const uint8_t *p, size_t left)
{{
    while (left > 0) {{
        if (left < {head})
            return fail("record head cut short");
        unsigned tag = p[{tag_at}];
        size_t len = {length};
        p += {head};
        left -= {head};
        if (len > left)
            return fail("record cut short");
        int r = 0;
        switch (tag) {{
{cases}        default:
            return fail("unknown record");
        }}
        if (r)
            return r;
        p += len;
        left -= len;
    }}
    return 0;
}}

"""

_MAIN = """\
static int load(const uint8_t *data, size_t size)
{{
    if (size < {header})
        return fail("header cut short");
    if (memcmp(data, "{magic}", {magic_size}) != 0)
        return fail("not a {title} file");
{checks}    struct session *s = calloc(1, sizeof *s);
    if (!s)
        return fail("no memory");
    int r = walk(s, data + {header}, size - {header});
    for (int i = 0; i < {slots}; i++)
        if (s->live[i])
            free(s->slot[i]);
    free(s);
    return r;
}}

int main(int argc, char **argv)
{{
    if (argc != 2) {{
        fprintf(stderr, "usage: %s FILE\\n", argv[0]);
        return 2;
    }}
    FILE *f = fopen(argv[1], "rb");
    uint8_t *data = malloc({limit});
    if (!f || !data)
        return 2;
    size_t size = fread(data, 1, {limit}, f);
    fclose(f);
    int r = load(data, size);
    free(data);
    if (r == 0)
        puts("ok");
    return r == 0 ? 0 : 1;
}}
"""


def _reader(layout: Layout, width: int, where: str) -> str:
    if width == 1:
        return f"*({where})"
    if width == 2:  # noqa: PLR2004 - bytes
        return f"get16({where})"
    pair = (where, f"{where} + 2") if layout.big_endian else (f"{where} + 2", where)
    return f"(get16({pair[0]}) << 16 | get16({pair[1]}))"


def _function(handler: Handler) -> str:
    return (
        f"static int {handler.name}(struct session *s, const uint8_t *body, size_t len)\n"
        f"{{\n{handler.text}    return 0;\n}}\n\n"
    )


def _checks(layout: Layout) -> str:
    text = ""
    if layout.version is not None:
        text += (
            f"    if (data[{len(layout.magic)}] != {layout.version})\n"
            '        return fail("wrong version");\n'
        )
    if layout.checksum:
        stored = _reader(layout, layout.checksum.width, f"data + {layout.check_at}")
        text += (
            f"    if ({stored} != check(data + {layout.header}, size - {layout.header}))\n"
            '        return fail("wrong checksum");\n'
        )
    return text


def render(plan: Plan, *, mended: bool = False) -> str:
    """The program's source; `mended` leaves the flaw out (for tests of the family)."""
    layout = plan.layout
    check = ""
    if layout.checksum:
        kind = {1: "uint8_t", 2: "uint16_t", 4: "uint32_t"}[layout.checksum.width]
        check = (
            f"static {kind} check(const uint8_t *p, size_t n)\n{{\n{layout.checksum.source}\n}}\n\n"
        )
    width = layout.checksum.width if layout.checksum else 1
    get16 = _GET16.format(order=layout.order) if max(width, layout.length_width) > 1 else ""
    handlers = [
        plan.mended if mended and handler.name == plan.mended.name else handler
        for handler in plan.handlers
    ]
    cases = "".join(
        f"        case 0x{h.tag:02x}:\n            r = {h.name}(s, p, len);\n            break;\n"
        for h in handlers
    )
    length_at = "p + 1" if layout.tag_first else "p"
    names = {"title": plan.title, "slots": SLOTS, "limit": FILE_LIMIT}
    return (
        _TOP.format(
            mode=plan.mode,
            counter=plan.counter,
            get16=get16,
            check=check,
            mixer=plan.mixer,
            **names,
        )
        + "".join(map(_function, handlers))
        + _WALK.format(
            head=1 + layout.length_width,
            tag_at=0 if layout.tag_first else layout.length_width,
            length=_reader(layout, layout.length_width, length_at),
            cases=cases,
        )
        + _MAIN.format(
            header=layout.header,
            # Hexadecimal escapes would swallow following letters; octal ones have a fixed length.
            magic="".join(f"\\{byte:03o}" for byte in layout.magic),
            magic_size=len(layout.magic),
            checks=_checks(layout),
            **names,
        )
    )
