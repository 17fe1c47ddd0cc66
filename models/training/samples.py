"""The packaged samples that come from our networks: layer profiles and an execution trace.

``python -m rackwright.models.training.samples`` writes them again (the same bytes, with the same
catalog) into the samples of `rackwright.traces`; it is run after a change of networks or costs.
"""

from __future__ import annotations

from pathlib import Path

from rackwright.devices import catalog
from rackwright.models.training.execution import execution_of
from rackwright.models.training.networks import network
from rackwright.models.training.profile import profile_of
from rackwright.traces.chakra_file import write_execution
from rackwright.traces.packaged import sample_path
from rackwright.traces.profiles_file import write_profile

__all__ = ["make_samples"]

PROFILES = {"profile_inception_v3": "inception_v3", "profile_vgg16": "vgg16",
            "profile_wide_resnet101_2": "wide_resnet101_2"}
BATCHES = (64, 32, 16, 8, 4, 2, 1)


def make_samples(folder: Path | None = None) -> list[Path]:
    """Write all of them into `folder` (default: the package); the files written.

    Profiles: DeepPool's three networks on an A100. The execution trace: one step of GPT-2, 8
    samples a copy in 4 micro-batches, 2 data copies x 2 tensor parts x 2 stages, on H100s.
    """
    target = sample_path("training_gpt2").parent if folder is None else folder
    target.mkdir(parents=True, exist_ok=True)
    a100, h100 = catalog.gpu("a100-sxm-40"), catalog.gpu("h100-sxm")
    written = [write_profile(profile_of(network(of), a100, BATCHES), target / f"{name}.json")
               for name, of in sorted(PROFILES.items())]
    trace = execution_of(network("gpt2"), h100, 8, data=2, tensor=2, stages=2, micro_batches=4,
                         optimizer="adam", name="training_gpt2")
    return [*written, write_execution(trace, target / "training_gpt2.zip")]


if __name__ == "__main__":
    for path in make_samples():
        print(path)
