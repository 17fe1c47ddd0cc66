import rackwright
from rackwright import topologies, traces

trace = traces.generate_requests(50.0, duration_time=10.0, lengths=traces.SHORT, seed=1)
pcie_only = topologies.dgx("h100-sxm", hosts=1)   # a plain networkx graph: change what you like
pcie_only.remove_node("h0/nvswitch")
machines = {"a100": "dgx-a100", "h100": "dgx-h100", "h100 without NVLink": pcie_only}
for name, machine in machines.items():
    result = rackwright.replay("aep", machine, trace, seed=0, policy="ep_ideal")
    print(f"{name}: {result.metrics['itl_mean_s'] * 1e3:.2f} ms a token, "
          f"{result.breakdown['network']:.0%} of it in the network")
