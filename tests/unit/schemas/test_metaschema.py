"""Every JSON Schema of the package is one: it obeys the dialect that it names, and says what it is."""

import json
from pathlib import Path

import pytest
from jsonschema.validators import validator_for

import seatrial_schemas

SCHEMAS = sorted(Path(seatrial_schemas.__file__).parent.glob("**/*.schema.json"))


def test_there_are_schemas() -> None:
    assert SCHEMAS


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_the_schema_obeys_its_metaschema(path: Path) -> None:
    schema = json.loads(path.read_text("utf-8"))
    validator = validator_for(schema, default=None)

    assert validator is not None, "it names its dialect in $schema"
    validator.check_schema(schema)


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_the_schema_says_what_it_is(path: Path) -> None:
    schema = json.loads(path.read_text("utf-8"))

    assert schema.get("title")
    assert schema.get("description")
