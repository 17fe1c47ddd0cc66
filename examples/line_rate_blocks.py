"""Do steering and checking in the NIC keep up with its line? The blocks rss_toeplitz (which core
gets a frame) and crc32_stream (is it whole) as a stage of a NIC's receive pipeline, by the cycles
measured on their RTL, at 250 MHz (assumed: they were not placed)."""

from rackwright.devices import catalog
from rackwright.devices.nic import offload, offload_stage, pipeline_of

CLOCK_HZ, FRAMING = 250e6, 20
STAGES = {"none": None,
          "steering": offload_stage(offload("rss_toeplitz", "tuple_12", CLOCK_HZ, "512")),
          "checking": offload_stage(offload("crc32_stream", "beat", CLOCK_HZ, "512"),
                                    nbytes_each=64)}
for name in ("connectx-6", "connectx-7", "connectx-8"):
    nic = catalog.get(name)
    for nbytes in (64, 1500):
        line = nic.rate_bps / 8 / (nbytes + FRAMING)        # frames/s
        found = []
        for stage, block in STAGES.items():
            pipeline = pipeline_of(nic, "receive", offload=block)
            share = min(float(pipeline.packet_rate(nbytes)) / line, 1.0)
            found.append(f"{stage} {share:.0%} ({pipeline.bottleneck(nbytes)})")
        print(f"{nic.rate_bps / 1e9:.0f} Gb/s, {nbytes} bytes: {', '.join(found)}")
