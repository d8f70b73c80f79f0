#!/usr/bin/python3
"""schema_test.py ROOT: etc/postmultid.schema.json accepts what the code accepts.

It accepts every good sample of tests/definitions and the installed definition, and refuses those bad samples whose
first line has the word "schema" ("# 7:3 schema: text"). It accepts the other bad samples, as far as a YAML parser
does: what is wrong with them no schema can see. Prints what does not hold.
"""
import json
import pathlib
import sys

import jsonschema
import yaml

root = pathlib.Path(sys.argv[1])
schema = json.loads((root / "etc/postmultid.schema.json").read_text(encoding="utf-8"))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
wrong = []


def refusals(file):
    """What the schema says of a file; nothing if the file is no YAML to begin with."""
    try:
        value = yaml.safe_load(file.read_bytes())
    except (yaml.YAMLError, ValueError, TypeError):
        return None
    return [error.message for error in validator.iter_errors(value)]


good = sorted((root / "tests/definitions/good").iterdir())
for file in [*good, root / "etc/postmultid.yaml"]:
    said = refusals(file)
    if said is None or said:
        wrong.append(f"{file.name} is good, but the schema refuses it: {said}")

bad = sorted((root / "tests/definitions/bad").iterdir())
for file in bad:
    marker = file.read_bytes().split(b"\n", 1)[0].split(b": ", 1)[0].split()
    said = refusals(file)
    if b"schema" in marker and not said:
        wrong.append(f"{file.name} is bad, but the schema accepts it")
    if b"schema" not in marker and said:
        wrong.append(f"{file.name} is refused by the schema, but not marked so: {said}")

print(*wrong, sep="\n")
sys.exit(1 if wrong or not good or len(bad) < 50 else 0)
