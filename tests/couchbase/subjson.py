"""What couchbase/subjson does to the text of a document: paths, lookups and edits, written from its rules alone
(subdoc/path.cc, match.cc and operations.cc there), for model.py. Documents are JSON; trees are built of them."""

import json
import re

SUCCESS, INTERNAL = 0x00, 0x84
ABSENT, MISMATCH, PATH_INVALID, PATH_TOO_BIG = 0xC0, 0xC1, 0xC2, 0xC3
CANNOT_INSERT, NOT_JSON, NUMBER_RANGE, DELTA_INVALID, EXISTS, TOO_DEEP = 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA

GET, EXIST, ADD, UPSERT, DELETE, REPLACE = 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA
PUSH_LAST, PUSH_FIRST, INSERT, ADD_UNIQUE, COUNTER, COUNT = 0xCB, 0xCC, 0xCD, 0xCE, 0xCF, 0xD2

BLANKS = b" \t\r\n"
PARTS_MAX = 31
INT64 = range(-(1 << 63), 1 << 63)
LITERAL = re.compile(rb"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?|true|false|null")
STRING = re.compile(rb'"([^"\\\x00-\x1f]|\\(["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')


class Refused(Exception):
    """With the path's status."""


class NotJson(Exception):
    pass


class Value:
    """A value in a text; members are (name, where its name begins, value), of arrays (None, begin, value)."""

    def __init__(self, text, at):
        self.begin = at
        self.members = []
        first = text[at:at + 1]
        self.kind = {b"{": "object", b"[": "array", b'"': "string"}.get(first, "literal")
        if self.kind in ("object", "array"):
            self.end = self.take_members(text, at + 1)
        else:
            found = (STRING if self.kind == "string" else LITERAL).match(text, at)
            if not found:
                raise NotJson
            self.end = found.end()

    def take_members(self, text, at):
        closing = b"}" if self.kind == "object" else b"]"
        at = skip(text, at)
        while text[at:at + 1] != closing:
            if self.members:
                if text[at:at + 1] != b",":
                    raise NotJson
                at = skip(text, at + 1)
            begin, name = at, None
            if self.kind == "object":
                found = STRING.match(text, at)
                if not found:
                    raise NotJson
                name = found.group()[1:-1]
                at = skip(text, found.end())
                if text[at:at + 1] != b":":
                    raise NotJson
                at = skip(text, at + 1)
            value = Value(text, at)
            self.members.append((name, begin, value))
            at = skip(text, value.end)
        return at + 1

    def text(self, text):
        return text[self.begin:self.end]


def skip(text, at):
    while text[at:at + 1] and text[at:at + 1] in BLANKS:
        at += 1
    return at


def parse(text):
    value = Value(text, skip(text, 0))
    if value.kind == "string":  # contrib/jsonsl takes none outside of objects and arrays
        raise Refused(NOT_JSON)
    if skip(text, value.end) != len(text):
        raise NotJson
    return value


def is_json(text):
    try:
        json.loads(text.decode(), parse_constant=lambda name: 1 / 0)
        return True
    except (ValueError, ZeroDivisionError, RecursionError):
        return False


# ---------------------------------------------------------------- paths


def split(path):
    """Names (bytes) and indexes (numbers; -1 is the last one)."""
    parts = []
    at = 0
    while at < len(path):
        if path[at:at + 1] == b"[":
            end = path.find(b"]", at)
            digits = path[at + 1:end]
            if end < 0 or not (digits == b"-1" or re.fullmatch(rb"[0-9]*", digits)):
                raise Refused(PATH_INVALID)
            part = int(digits or b"0")
            at = end + 1
            if at < len(path) and path[at:at + 1] not in (b"[", b"."):
                raise Refused(PATH_INVALID)
            at += path[at:at + 1] == b"."
        else:
            part, at = take_name(path, at)
        if len(parts) == PARTS_MAX:
            raise Refused(PATH_TOO_BIG)
        if part == b"":
            raise Refused(PATH_INVALID)
        parts.append(part)
    return parts


def take_name(path, at):
    begin, quoted = at, False
    while at < len(path):
        byte = path[at:at + 1]
        if byte < b"\x1f" or byte in b'"\\':
            raise Refused(PATH_INVALID)  # escapes are not among what is generated
        if byte == b"`":
            quoted = not quoted
        if not quoted:
            if byte == b"]":
                raise Refused(PATH_INVALID)
            if byte in b".[":
                break
        at += 1
    if quoted:
        raise Refused(PATH_INVALID)
    name = path[begin:at]
    if len(name) > 1 and name[:1] == name[-1:] == b"`":
        name = name[1:-1]
    name = name.replace(b"``", b"\0").replace(b"`", b"").replace(b"\0", b"`")
    return name, at + (path[at:at + 1] == b".")


class Place:
    """How far a document has a path: the value at its end, or the deepest object or array on the way."""

    def __init__(self, root, parts):
        self.parents = []
        self.value = root
        self.index = 0
        self.depth = 0  # parts that are there
        self.found = False
        for part in parts:
            if self.value.kind != ("array" if isinstance(part, int) else "object"):
                raise Refused(MISMATCH)
            at = self.find(part)
            if at is None:
                return
            self.parents.append(self.value)
            self.index = at
            self.value = self.value.members[at][2]
            self.depth += 1
        self.found = True

    def find(self, part):
        members = self.value.members
        if isinstance(part, int):
            part = len(members) - 1 if part == -1 else part
            return part if 0 <= part < len(members) else None
        return next((at for at, member in enumerate(members) if member[0] == part), None)


# ---------------------------------------------------------------- values to be put in


def check_value(value, several=False, scalar=False):
    """Several of them, with commas between, may go into an array."""
    try:
        inside = parse(b"[" + value + b"]").members
    except NotJson:
        raise Refused(CANNOT_INSERT) from None
    if not several and len(inside) != 1:
        raise Refused(CANNOT_INSERT)
    if scalar and inside[0][2].kind in ("object", "array"):
        raise Refused(CANNOT_INSERT)


# ---------------------------------------------------------------- operations


def lookup(operation, path, text):
    """Returns what is found."""
    parts = split(path)
    place = Place(parse(text), parts)
    if not place.found:
        raise Refused(ABSENT)
    if operation != COUNT:
        return place.value.text(text)
    if place.value.kind not in ("object", "array"):
        raise Refused(MISMATCH)
    return b"%d" % len(place.value.members)


def splice(text, begin, end, new):
    return text[:begin] + new + text[end:]


def put_last(text, container, new):
    """Right before the closing bracket."""
    comma = b"," if container.members else b""
    return splice(text, container.end - 1, container.end - 1, comma + new)


def make_parents(text, place, parts, value, in_array):
    missing = parts[place.depth:]
    if any(isinstance(part, int) for part in missing) or not missing:
        raise Refused(ABSENT)
    new = b"[" + value + b"]" if in_array else value
    for part in reversed(missing[1:]):
        new = b'{"' + part + b'":' + new + b"}"
    return put_last(text, place.value, b'"' + missing[0] + b'":' + new)


def store(operation, path, text, value, makes_parents):
    parts = split(path)
    if not parts:
        raise Refused(CANNOT_INSERT)
    check_value(value)
    place = Place(parse(text), parts)
    if operation != REPLACE and isinstance(parts[-1], int):
        raise Refused(PATH_INVALID)
    if place.found:
        if operation == ADD:
            raise Refused(EXISTS)
        return splice(text, place.value.begin, place.value.end, value)
    if operation == REPLACE:
        raise Refused(ABSENT)
    if place.depth == len(parts) - 1 or makes_parents:
        return make_parents(text, place, parts, value, False)
    raise Refused(ABSENT)


def remove(path, text):
    parts = split(path)
    if not parts:
        raise Refused(CANNOT_INSERT)
    place = Place(parse(text), parts)
    if not place.found:
        raise Refused(ABSENT)
    members = place.parents[-1].members
    begin, end = members[place.index][1], place.value.end
    before, behind = text[:begin], text[end:]
    if len(members) > 1:
        if place.index == len(members) - 1:
            before = before[:before.rindex(b",")]
        else:
            behind = behind[behind.index(b",") + 1:]
    return before + behind


def push_last(operation, path, text, value, makes_parents):
    parts = split(path)
    check_value(value, several=operation != ADD_UNIQUE, scalar=operation == ADD_UNIQUE)
    root = parse(text)
    if not parts and operation == PUSH_LAST:
        if root.kind == "object":
            raise Refused(MISMATCH)
        if root.kind != "array":
            raise Refused(NOT_JSON)
        before = text[:root.end - 1].rstrip(BLANKS)
        return before + (b"," if root.members else b"") + value + b"]"
    place = Place(root, parts)
    if not place.found:
        if not makes_parents:
            raise Refused(ABSENT)
        return make_parents(text, place, parts, value, True)
    array = place.value
    if array.kind != "array":
        raise Refused(MISMATCH)
    if operation == ADD_UNIQUE:
        for _, _, member in array.members:  # the first of them that decides
            if member.kind in ("object", "array"):
                raise Refused(MISMATCH)
            if member.text(text) == value:
                raise Refused(EXISTS)
    if not array.members:
        return splice(text, array.begin + 1, array.end - 1, value)
    return put_last(text, array, value)


def push_first(path, text, value, makes_parents):
    parts = split(path)
    check_value(value, several=True)
    place = Place(parse(text), parts)
    if not place.found:
        if not makes_parents:
            raise Refused(ABSENT)
        return make_parents(text, place, parts, value, True)
    array = place.value
    if array.kind != "array":
        raise Refused(MISMATCH)
    if not array.members:
        return splice(text, array.begin + 1, array.end - 1, value)
    first = array.members[0][2].begin
    return splice(text, first, first, value + b",")


def insert(path, text, value):
    parts = split(path)
    check_value(value, several=True)
    if not parts or not isinstance(parts[-1], int) or parts[-1] == -1:
        raise Refused(PATH_INVALID)
    place = Place(parse(text), parts)
    if place.found:
        return splice(text, place.value.begin, place.value.begin, value + b",")
    array = place.value
    if place.depth != len(parts) - 1 or parts[-1] != len(array.members):
        raise Refused(ABSENT)
    if not array.members:
        return splice(text, array.begin + 1, array.end - 1, value)
    return put_last(text, array, value)


def count(path, text, value, makes_parents):
    """Returns the text and the number."""
    parts = split(path)
    if not re.fullmatch(rb"-?[1-9][0-9]*", value) or int(value) not in INT64:
        raise Refused(DELTA_INVALID)
    delta = int(value)
    place = Place(parse(text), parts)
    if not place.found:
        is_parent = place.depth == len(parts) - 1
        if not (makes_parents or is_parent) or place.value.kind != "object":
            raise Refused(ABSENT)
        if isinstance(parts[-1], int):
            raise Refused(PATH_INVALID)
        number = b"%d" % delta
        return make_parents(text, place, parts, number, False), number
    if not re.fullmatch(rb"-?[0-9]+", place.value.text(text)):
        raise Refused(MISMATCH)
    before = int(place.value.text(text))
    if before not in INT64:
        raise Refused(NUMBER_RANGE)
    if before + delta not in INT64:
        raise Refused(CANNOT_INSERT)
    number = b"%d" % (before + delta)
    return splice(text, place.value.begin, place.value.end, number), number


def mutate(operation, path, text, value, makes_parents):
    """Returns the new text, and COUNTER's number."""
    if operation == COUNTER:
        return count(path, text, value, makes_parents)
    split(path)
    if operation in (REPLACE, DELETE, INSERT) and makes_parents:
        raise Refused(INTERNAL)  # the server gives subjson a command that it does not have
    if operation in (ADD, UPSERT, REPLACE):
        return store(operation, path, text, value, makes_parents), b""
    if operation == DELETE:
        return remove(path, text), b""
    if operation in (PUSH_LAST, ADD_UNIQUE):
        return push_last(operation, path, text, value, makes_parents), b""
    if operation == PUSH_FIRST:
        return push_first(path, text, value, makes_parents), b""
    return insert(path, text, value), b""
