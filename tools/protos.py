"""The contract as Python sees it: protoc's descriptors, with the comments of the source."""
import glob
import subprocess
import tempfile

from google.protobuf import descriptor_pb2

F = descriptor_pb2.FieldDescriptorProto
SCALARS = {number: name[5:].lower() for name, number in F.Type.items()}


class File:
    """One .proto file; comment() finds what stands above or behind a declaration."""

    def __init__(self, proto):
        self.proto = proto
        self.path = proto.name
        self.package = proto.package
        self._comments = {}
        for location in proto.source_code_info.location:
            parts = [p for p in (location.leading_comments, location.trailing_comments) if p]
            self._comments[tuple(location.path)] = ' '.join(' '.join(parts).split())

    def comment(self, *path):
        return self._comments.get(tuple(path), '')


def load(root='proto'):
    paths = sorted(glob.glob('penstock/*/v*/*.proto', root_dir=root))
    with tempfile.NamedTemporaryFile(suffix='.pb') as out:
        subprocess.run(['protoc', f'-I{root}', '--include_source_info', f'--descriptor_set_out={out.name}',
                        *paths], check=True)
        everything = descriptor_pb2.FileDescriptorSet.FromString(out.read())
    return [File(proto) for proto in everything.file]


def type_name(field, package=''):
    """As the source says it: "repeated common.v1.Money", "int64"."""
    if field.type_name:
        name = field.type_name.lstrip('.')
        for prefix in (package + '.', 'penstock.'):
            if name.startswith(prefix):
                name = name[len(prefix):]
                break
    else:
        name = SCALARS[field.type]
    return ('repeated ' if field.label == F.LABEL_REPEATED else '') + name
