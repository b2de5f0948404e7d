"""The Container Runtime Interface as a kubelet calls it: RuntimeService and ImageService of runtime.v1, both on one socket.

Every call is unary. Times are nanoseconds since the epoch, a pod's `attempt` and a container's are counted by the kubelet, and labels and
annotations belong to it: a runtime keeps them and hands them back untouched.
"""

from seatrial_schemas import cri_pb2 as pb
from seatrial_schemas.rpc import Method

_RUNTIME = "/runtime.v1.RuntimeService/"
_IMAGE = "/runtime.v1.ImageService/"

VERSION = Method(path=_RUNTIME + "Version", request=pb.VersionRequest, reply=pb.VersionResponse)
STATUS = Method(path=_RUNTIME + "Status", request=pb.StatusRequest, reply=pb.StatusResponse)
RUNTIME_CONFIG = Method(path=_RUNTIME + "RuntimeConfig", request=pb.RuntimeConfigRequest, reply=pb.RuntimeConfigResponse)
UPDATE_RUNTIME_CONFIG = Method(
    path=_RUNTIME + "UpdateRuntimeConfig", request=pb.UpdateRuntimeConfigRequest, reply=pb.UpdateRuntimeConfigResponse
)

RUN_POD_SANDBOX = Method(path=_RUNTIME + "RunPodSandbox", request=pb.RunPodSandboxRequest, reply=pb.RunPodSandboxResponse)
STOP_POD_SANDBOX = Method(path=_RUNTIME + "StopPodSandbox", request=pb.StopPodSandboxRequest, reply=pb.StopPodSandboxResponse)
REMOVE_POD_SANDBOX = Method(path=_RUNTIME + "RemovePodSandbox", request=pb.RemovePodSandboxRequest, reply=pb.RemovePodSandboxResponse)
POD_SANDBOX_STATUS = Method(path=_RUNTIME + "PodSandboxStatus", request=pb.PodSandboxStatusRequest, reply=pb.PodSandboxStatusResponse)
LIST_POD_SANDBOX = Method(path=_RUNTIME + "ListPodSandbox", request=pb.ListPodSandboxRequest, reply=pb.ListPodSandboxResponse)

CREATE_CONTAINER = Method(path=_RUNTIME + "CreateContainer", request=pb.CreateContainerRequest, reply=pb.CreateContainerResponse)
START_CONTAINER = Method(path=_RUNTIME + "StartContainer", request=pb.StartContainerRequest, reply=pb.StartContainerResponse)
STOP_CONTAINER = Method(path=_RUNTIME + "StopContainer", request=pb.StopContainerRequest, reply=pb.StopContainerResponse)
REMOVE_CONTAINER = Method(path=_RUNTIME + "RemoveContainer", request=pb.RemoveContainerRequest, reply=pb.RemoveContainerResponse)
LIST_CONTAINERS = Method(path=_RUNTIME + "ListContainers", request=pb.ListContainersRequest, reply=pb.ListContainersResponse)
CONTAINER_STATUS = Method(path=_RUNTIME + "ContainerStatus", request=pb.ContainerStatusRequest, reply=pb.ContainerStatusResponse)

IMAGE_STATUS = Method(path=_IMAGE + "ImageStatus", request=pb.ImageStatusRequest, reply=pb.ImageStatusResponse)
PULL_IMAGE = Method(path=_IMAGE + "PullImage", request=pb.PullImageRequest, reply=pb.PullImageResponse)
LIST_IMAGES = Method(path=_IMAGE + "ListImages", request=pb.ListImagesRequest, reply=pb.ListImagesResponse)
REMOVE_IMAGE = Method(path=_IMAGE + "RemoveImage", request=pb.RemoveImageRequest, reply=pb.RemoveImageResponse)
IMAGE_FS_INFO = Method(path=_IMAGE + "ImageFsInfo", request=pb.ImageFsInfoRequest, reply=pb.ImageFsInfoResponse)
