"""The runtime double's images: whatever is asked for exists, and is there as soon as it was pulled."""

import hashlib
from collections.abc import Callable

from seatrial_schemas import cri_pb2 as pb

_DISK_BYTES = 1 << 30


def image_ref(image: str) -> str:
    """What a pulled image is called from then on: it depends on its name only."""
    repository = image.partition("@")[0]
    return f"{repository}@sha256:{hashlib.sha256(repository.encode()).hexdigest()}"


class Images:
    """Those of one node, found by name and by reference."""

    def __init__(self, *, now: Callable[[], int]) -> None:
        self._now = now
        self._pulled: dict[str, pb.ImageSpec] = {}

    def add(self, spec: pb.ImageSpec) -> str:
        reference = image_ref(spec.image)
        self._pulled[reference] = spec
        return reference

    async def status(self, request: pb.ImageStatusRequest) -> pb.ImageStatusResponse:
        """Empty where the image is absent: then the kubelet pulls."""
        reference = image_ref(request.image.image)
        spec = self._pulled.get(reference)
        return pb.ImageStatusResponse(image=None if spec is None else _image(reference, spec))

    async def list(self, _: pb.ListImagesRequest) -> pb.ListImagesResponse:
        return pb.ListImagesResponse(images=[_image(reference, spec) for reference, spec in self._pulled.items()])

    async def remove(self, request: pb.RemoveImageRequest) -> pb.RemoveImageResponse:
        self._pulled.pop(image_ref(request.image.image), None)
        return pb.RemoveImageResponse()

    async def fs_info(self, _: pb.ImageFsInfoRequest) -> pb.ImageFsInfoResponse:
        """A kubelet takes the image service for broken without this."""
        usage = pb.FilesystemUsage(
            timestamp=self._now(),
            fs_id=pb.FilesystemIdentifier(mountpoint="/"),
            used_bytes=pb.UInt64Value(value=_DISK_BYTES),
            inodes_used=pb.UInt64Value(value=1),
        )
        return pb.ImageFsInfoResponse(image_filesystems=[usage], container_filesystems=[usage])


def _image(reference: str, spec: pb.ImageSpec) -> pb.Image:
    return pb.Image(id=reference, repo_tags=[spec.image], repo_digests=[reference], size=1, uid=pb.Int64Value(value=0), spec=spec)
