"""How much work does a cable cost that fails at 2 s and is mended at 5 s? A training step takes
40 ms and a gradient sum of 2 GB on two hosts; each event gives traffic new routes."""

from rackwright import topologies

COMPUTE, NBYTES, END = 40e-3, 2e9, 8.0      # s, bytes, s: chosen here
host = topologies.dgx("h100-sxm", hosts=2, fabric="rails")
events = ["2s h0/nic0->leaf0 down", "5s h0/nic0->leaf0 up"]
steps = []
for faults in ([], events):
    done = 0.0
    epochs = topologies.epochs(host, faults)
    for (start, fabric), (stop, _) in zip(epochs, [*epochs[1:], (END, None)], strict=True):
        ranks = list(fabric.gpus())
        sums = topologies.collective_time("all_reduce", NBYTES, fabric, ranks=ranks)
        choice = topologies.collective_choice("all_reduce", NBYTES, fabric, ranks=ranks)
        done += (stop - start) / (COMPUTE + sums)
        print(f"{start:.0f} to {stop:.0f} s: a sum takes {sums * 1e3:.1f} ms ({choice.algorithm}, "
              f"limited by {choice.bottleneck})")
    steps.append(done)
print(f"{steps[0]:.0f} steps without the fault, {steps[1]:.0f} with it: "
      f"{steps[0] - steps[1]:.0f} lost")
