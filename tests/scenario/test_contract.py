"""The contract keeps its conventions, and the pages that are made of it are up to date."""
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

HEAD = 'syntax = "proto3";\npackage penstock.lamp.v1;\n'
PAIR = 'message GetLampRequest { string id = 1; }\nmessage Lamp { string id = 1; }\n'
GOOD = HEAD + '''
service Lamps {
  rpc GetLamp(GetLampRequest) returns (GetLampResponse);
  rpc ListLamps(ListLampsRequest) returns (ListLampsResponse);
}
enum Colour { COLOUR_UNSPECIFIED = 0; COLOUR_RED = 1; }
message GetLampResponse { Lamp lamp = 1; }
message ListLampsRequest { string cursor = 1; int32 limit = 2; Colour colour = 3; }
message ListLampsResponse { repeated Lamp data = 1; string next_cursor = 2; bool stale = 3; }
''' + PAIR


def lint(folder, text, name='penstock/lamp/v1/lamp.proto'):
    path = folder / name
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return subprocess.run([ROOT / 'tools/lint-protos', str(folder)], capture_output=True, text=True)


def test_the_protos_keep_the_conventions():
    done = subprocess.run([ROOT / 'tools/lint-protos'], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_good_proto_passes(tmp_path):
    done = lint(tmp_path, GOOD)
    assert (done.returncode, done.stdout) == (0, ''), done.stdout + done.stderr


BREACHES = {
    'a double': ('string id = 1; }\nmessage Lamp {', 'string id = 1; double watts = 2; }\nmessage Lamp {', 'no double'),
    'a float': ('Lamp { string id = 1;', 'Lamp { string id = 1; float watts = 2;', 'no float'),
    'a success flag': ('Lamp { string id = 1;', 'Lamp { string id = 1; bool success = 2;', 'status of the reply'),
    'an enum without a zero': ('COLOUR_UNSPECIFIED', 'COLOUR_NONE', 'COLOUR_UNSPECIFIED = 0'),
    'an enum value without its prefix': ('COLOUR_RED', 'RED', 'RED must begin with COLOUR_'),
    'another package': ('package penstock.lamp.v1', 'package penstock.lamps.v1', 'must be that of its folder'),
    'a type that holds itself': ('Lamp { string id = 1;', 'Lamp { string id = 1; repeated Lamp lamps = 2;', 'holds itself'),
    'a request of another name': ('GetLamp(GetLampRequest)', 'GetLamp(Lamp)', 'GetLampRequest'),
    'an answer of another name': ('returns (GetLampResponse)', 'returns (Lamp)', 'GetLampResponse'),
    'a stream': ('returns (GetLampResponse)', 'returns (stream GetLampResponse)', 'no streams'),
    'a message beside plain fields': ('Lamp lamp = 1;', 'Lamp lamp = 1; string note = 2;', 'beside other fields'),
    'a list without a cursor': ('string next_cursor = 2;', '', 'next_cursor'),
    'a list that cannot be paged': ('string cursor = 1; ', '', 'string cursor'),
    'a list with other things': ('bool stale = 3', 'int64 total = 3', 'flags only'),
    'a moment of unclear unit': ('Lamp { string id = 1;', 'Lamp { string id = 1; int64 lit_at = 2;', '_at_us'),
    'a moment that is too small': ('Lamp { string id = 1;', 'Lamp { string id = 1; int32 lit_at_us = 2;', 'int64'),
    'optional': ('Lamp { string id = 1;', 'Lamp { string id = 1; optional string note = 2;', 'protobuf-c rejects'),
    'a map': ('Lamp { string id = 1;', 'Lamp { string id = 1; map<string, string> notes = 2;', 'maps'),
    'a camel': ('Lamp { string id = 1;', 'Lamp { string id = 1; string lampColour = 2;', 'snake_case'),
    'a request that nobody takes': ('  rpc GetLamp(', '  rpc DimLamp(', 'DimLamp'),
}


@pytest.mark.parametrize('name', BREACHES)
def test_a_breach_is_found(tmp_path, name):
    old, new, said = BREACHES[name]
    assert old in GOOD
    done = lint(tmp_path, GOOD.replace(old, new))
    assert done.returncode == 1 and said in done.stdout, done.stdout + done.stderr


def test_recursion_through_other_messages_is_found(tmp_path):
    text = HEAD + 'message A { B b = 1; }\nmessage B { C c = 1; }\nmessage C { repeated A as = 1; }\n'
    assert 'A > ' in lint(tmp_path, text).stdout


def test_the_references_are_up_to_date():
    done = subprocess.run([ROOT / 'tools/reference', '--check'], cwd=ROOT, capture_output=True, text=True,
                          env=dict(os.environ))
    assert done.returncode == 0, done.stderr
