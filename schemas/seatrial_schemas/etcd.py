"""etcd v3 as this project speaks it: the methods, under the paths that every etcd and every etcd client knows.

The messages are generated from etcd.proto, a subset of etcd's own definitions. To generate them anew, from the root of the project:

    .venv/bin/python -m grpc_tools.protoc -I schemas --python_out=schemas --pyi_out=schemas seatrial_schemas/etcd.proto
"""

from seatrial_schemas import etcd_pb2 as pb
from seatrial_schemas.rpc import Method

RANGE = Method(path="/etcdserverpb.KV/Range", request=pb.RangeRequest, reply=pb.RangeResponse)
PUT = Method(path="/etcdserverpb.KV/Put", request=pb.PutRequest, reply=pb.PutResponse)
DELETE_RANGE = Method(path="/etcdserverpb.KV/DeleteRange", request=pb.DeleteRangeRequest, reply=pb.DeleteRangeResponse)
TXN = Method(path="/etcdserverpb.KV/Txn", request=pb.TxnRequest, reply=pb.TxnResponse)
COMPACT = Method(path="/etcdserverpb.KV/Compact", request=pb.CompactionRequest, reply=pb.CompactionResponse)
WATCH = Method(path="/etcdserverpb.Watch/Watch", request=pb.WatchRequest, reply=pb.WatchResponse, streaming=True)
LEASE_GRANT = Method(path="/etcdserverpb.Lease/LeaseGrant", request=pb.LeaseGrantRequest, reply=pb.LeaseGrantResponse)
LEASE_REVOKE = Method(path="/etcdserverpb.Lease/LeaseRevoke", request=pb.LeaseRevokeRequest, reply=pb.LeaseRevokeResponse)
LEASE_KEEP_ALIVE = Method(
    path="/etcdserverpb.Lease/LeaseKeepAlive", request=pb.LeaseKeepAliveRequest, reply=pb.LeaseKeepAliveResponse, streaming=True
)
STATUS = Method(path="/etcdserverpb.Maintenance/Status", request=pb.StatusRequest, reply=pb.StatusResponse)


def prefix_end(prefix: bytes) -> bytes:
    """The `range_end` that together with the key `prefix` covers exactly the keys beginning with it."""
    trimmed = prefix.rstrip(b"\xff")
    return trimmed[:-1] + bytes([trimmed[-1] + 1]) if trimmed else b"\0"
