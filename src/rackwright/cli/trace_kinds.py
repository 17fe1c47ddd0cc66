"""The kinds of ``rackwright trace generate KIND OUT``: their options, and what makes each trace.

Options are called alike in all kinds: ``--rate`` (a second), ``--count``, ``--seed``, ``--name``;
those left out take the generator's default. Thin: the generators are in `traces` and, for what
needs cost models, in `models.training`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import click

from rackwright.cli.trace_values import LIST, NAMED, RANGE, Quantity, Range
from rackwright.errors import UsageError

__all__ = ["KINDS", "Kind"]

Made = tuple[Any, Callable[..., Any]]
"""A trace, and the function that writes it."""


class Kind(NamedTuple):
    """A line of help, its options, and the maker: options -> (trace, writer)."""

    help: str
    options: tuple[click.Option, ...]
    make: Callable[[dict[str, Any]], Made]


def _option(flag: str, argument: str, sort: Any, text: str, **more: Any) -> click.Option:
    return click.Option([flag, argument], type=sort, help=text, **more)


def _plain(generator: str, writer: str) -> Callable[[dict[str, Any]], Made]:
    """A function of `traces` that takes the options by their names."""
    def make(options: dict[str, Any]) -> Made:
        from rackwright import traces

        return getattr(traces, generator)(**options), getattr(traces, writer)

    return make


def _rate(what: str, **more: Any) -> click.Option:
    return _option("--rate", "rate_per_s", float, f"Mean {what} a second (Poisson).",
                   **{"required": True, **more})


def _count(argument: str, what: str, **more: Any) -> click.Option:
    return _option("--count", argument, int, f"How many {what}.", **{"required": True, **more})


_SEED = _option("--seed", "seed", int, "Of everything drawn.", default=0, show_default=True)
_NAME = _option("--name", "name", str, "Name kept in the file.")
_TIME, _BYTES = Quantity("time"), Quantity("bytes")


def _requests(options: dict[str, Any]) -> Made:
    from rackwright import traces

    if ("duration_time" in options) == ("count" in options):
        raise UsageError("give one of --duration (60s) and --count (1000)")
    like = options.pop("lengths_of", None)
    if like:
        options["lengths"] = traces.fitted_lengths(traces.read_requests(like))
    return traces.generate_requests(**options), traces.write_requests


def _jobs(options: dict[str, Any]) -> Made:
    from rackwright import traces

    rates = {name: _number("--model", text) for name, text in options.pop("model", ())}
    return traces.generate_jobs(**options, rates=rates or _packaged_rates()), traces.write_jobs


def _packaged_rates(batch: int = 32) -> dict[str, float]:
    """Samples/s of the packaged profiles on one GPU at a batch that all of them have."""
    from rackwright import traces

    profiles = {name.removeprefix("profile_"): traces.sample(name)
                for name in traces.sample_names() if name.startswith("profile_")}
    return {name: round(batch / float(profile.column(batch).sum()), 3)
            for name, profile in profiles.items()}


def _bandwidth(options: dict[str, Any]) -> Made:
    from rackwright import traces, units
    from rackwright.traces.wan_generate import AWS_DOWNLOADS

    means = {name: units.parse_bandwidth(text, what=f"--site {name}")
             for name, text in options.pop("site", ())}
    made = traces.generate_bandwidth(means or AWS_DOWNLOADS, **options)
    return made, traces.write_bandwidth_trace


def _routing(options: dict[str, Any]) -> Made:
    import numpy as np

    from rackwright import traces

    count, tokens = options.pop("count"), options.pop("tokens", traces.Uniform(50, 250))
    model = options.pop("name", "")
    seed = options["seed"]
    if options.get("skew") is None:
        options.pop("skew", None)
    routing = traces.ExponentialRouting(**options)
    drawn = np.random.default_rng(seed).integers(tokens.low, tokens.high, count, endpoint=True)
    return traces.generate_routing(routing, drawn, model), traces.write_routing


def _profile(options: dict[str, Any]) -> Made:
    from rackwright.devices import catalog
    from rackwright.models.training.networks import network
    from rackwright.models.training.profile import profile_of
    from rackwright.traces import write_profile

    return profile_of(network(options.pop("network")), catalog.gpu(options.pop("gpu")),
                      **options), write_profile


def _execution(options: dict[str, Any]) -> Made:
    from rackwright.devices import catalog
    from rackwright.models.training.execution import execution_of
    from rackwright.models.training.networks import network
    from rackwright.traces import write_execution

    made = execution_of(network(options.pop("network")), catalog.gpu(options.pop("gpu")),
                        options.pop("batch"), **options)
    return made, write_execution


def _number(flag: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{flag} {text!r}: not a number of samples a second") from None


_GPU = _option("--gpu", "gpu", str, "A GPU of the catalog.", default="h100-sxm", show_default=True)
_NETWORK = _option("--network", "network", str, "resnet50, vgg16, gpt2 ...", required=True)

KINDS: dict[str, Kind] = {
    "requests": Kind("Requests to a language model: arrival, prompt and answer tokens.", (
        _rate("requests"),
        _option("--duration", "duration_time", _TIME, "How long requests arrive: 60s."),
        _count("count", "requests, instead of --duration", required=False),
        _option("--input", "input_tokens", RANGE, "Prompt tokens, uniform [default: 50-150].",
                metavar="LOW-HIGH"),
        _option("--output", "output_tokens", RANGE, "Answer tokens, uniform [default: 50-250].",
                metavar="LOW-HIGH"),
        _option("--lengths-of", "lengths_of", str, "Draw length pairs from this trace instead.",
                metavar="FILE"), _SEED, _NAME), _requests),
    "conversations": Kind("Requests that share prefixes: turns of conversations.", (
        _rate("conversations"), _count("count", "conversations"),
        _option("--system-prompts", "system_prompts", int, "Different system prompts."),
        _option("--system-tokens", "system_tokens", RANGE, "Their length.", metavar="LOW-HIGH"),
        _option("--turns", "turns", Range("turns"), "Turns of a conversation.", metavar="LOW-HIGH"),
        _option("--question", "question_tokens", RANGE, "Tokens of a question.",
                metavar="LOW-HIGH"),
        _option("--answer", "answer_tokens", RANGE, "Tokens of an answer.", metavar="LOW-HIGH"),
        _option("--think", "think_time", _TIME, "Mean time between turns: 20s."),
        _option("--block", "block_tokens", int, "Tokens of a shared block."), _SEED, _NAME),
        _plain("generate_conversations", "write_requests")),
    "documents": Kind("Queries that fetch documents, popular ones more often.", (
        _rate("queries"), _count("queries", "queries"),
        _option("--documents", "documents", int, "Documents to fetch from."),
        _option("--per-query", "per_query", int, "Documents of a query."),
        _option("--skew", "skew", float, "Zipf exponent; 0 is uniform."),
        _option("--document-tokens", "document_tokens", RANGE, "Their length.",
                metavar="LOW-HIGH"),
        _option("--query-tokens", "query_tokens", RANGE, "A query's length.",
                metavar="LOW-HIGH"), _SEED, _NAME),
        _plain("generate_documents", "write_documents")),
    "operations": Kind("Operations of a key-value store, as YCSB draws them.", (
        _option("--workload", "workload", str, "a to f of YCSB, writes, reads.", required=True),
        _rate("operations; without it all arrive at 0, for closed loops", required=False),
        _count("operations", "operations"), _option("--keys", "keys", int, "Keys of the store."),
        _option("--theta", "theta", float, "Zipf exponent below 1; 0 is uniform."),
        _option("--value", "value_bytes", _BYTES, "Size of a value: 100B."),
        _option("--scrambled", "scrambled", bool, "Spread the hot keys by a hash.", is_flag=True),
        _SEED, _NAME), _plain("generate_operations", "write_operations")),
    "jobs": Kind("Trainings that arrive at a cluster, in the foreground and background.", (
        _rate("jobs"), _count("count", "jobs"),
        _option("--model", "model", NAMED, "A network and its samples/s on one GPU (repeatable) "
                "[default: the packaged profiles].", multiple=True, metavar="NAME=RATE"),
        _option("--foreground", "foreground_share", float, "Share of foreground jobs."),
        _option("--mean", "mean_time", _TIME, "Mean length of a job on one GPU: 60s."),
        _option("--foreground-batches", "foreground_batches", LIST, "Drawn evenly: 16,32."),
        _option("--background-batches", "background_batches", LIST, "Drawn evenly: 8,16,32."),
        _SEED, _NAME), _jobs),
    "queries": Kind("Analytics queries, as TPC-H's templates make them.", (
        _rate("queries"), _count("queries", "queries"),
        _option("--scale", "scale", float, "TPC-H scale factor."),
        _option("--swing", "swing", float, "0 to below 1: how far the rate goes up and down."),
        _option("--period", "period_time", _TIME, "Of that swing: 24h."), _SEED, _NAME),
        _plain("generate_queries", "write_queries")),
    "training": Kind("What the hosts of accelerators do in training steps, as queries.", (
        _option("--steps", "steps", int, "How many steps."),
        _option("--samples", "sample_bytes", _BYTES, "Read and prepared in a step: 256MB."),
        _option("--gradients", "gradient_bytes", _BYTES, "Reduced in a step: 2.8GB."),
        _option("--checkpoint-every", "checkpoint_every", int, "Steps; 0: never."),
        _option("--checkpoint", "checkpoint_bytes", _BYTES, "Written then: 16.8GB."), _NAME),
        _plain("generate_training", "write_queries")),
    "transfers": Kind("Reads and writes of disaggregated storage, as queries.", (
        _rate("transfers"), _count("transfers", "transfers"),
        _option("--size", "nbytes", _BYTES, "Of a transfer: 64MB."),
        _option("--reads", "read_share", float, "Share of reads."), _SEED, _NAME),
        _plain("generate_transfers", "write_queries")),
    "bandwidth": Kind("Bandwidth of sites of a WAN over time.", (
        _option("--steps", "steps", int, "How many steps.", required=True),
        _option("--step", "step_time", _TIME, "Length of a step: 1s."),
        _option("--site", "site", NAMED, "A site and its mean, such as paris=50MB/s (repeatable) "
                "[default: 16 regions of AWS].", multiple=True, metavar="NAME=RATE"),
        _option("--spread", "spread", float, "Standard deviation over the mean."),
        _option("--memory", "memory", float, "Correlation of a step with the next."),
        _SEED, _NAME), _bandwidth),
    "routing": Kind("Experts that the tokens of requests go to, layer by layer.", (
        _count("count", "requests"),
        _option("--tokens", "tokens", RANGE, "Tokens of a request [default: 50-250].",
                metavar="LOW-HIGH"),
        _option("--layers", "blocks", int, "Layers with experts.", required=True),
        _option("--experts", "experts", int, "Experts of a layer.", required=True),
        _option("--top-k", "top_k", int, "Experts of a token.", required=True),
        _option("--skew", "skew", float, "Share of an expert over that of the next hotter one."),
        _SEED, _NAME), _routing),
    "profile": Kind("Times of a network's layers on a GPU, from its cost models.", (
        _NETWORK, _GPU, _option("--batches", "batches", LIST, "Samples: 1,2,4,8,16,32,64."),
        _option("--dtype", "dtype", str, "bf16 or tf32.")), _profile),
    "execution": Kind("One training step of a network as an execution trace (Chakra).", (
        _NETWORK, _GPU,
        _option("--batch", "batch", int, "Samples of a data copy.", required=True),
        _option("--data", "data", int, "Data copies."),
        _option("--tensor", "tensor", int, "Tensor parts."),
        _option("--stages", "stages", int, "Pipeline stages."),
        _option("--micro-batches", "micro_batches", int, "Of a step."),
        _option("--optimizer", "optimizer", str, "sgd or adam."), _NAME), _execution),
}
