"""The last look as metrics for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gdb_tls.errors import BadArgument, MissingPackage
from gdb_tls.watch.model import Event, Look
from gdb_tls.watch.options import Address
from gdb_tls.watch.tally import tallies

ATTRIBUTES = ("variable", "module")


class Metrics:
    """Answers whoever asks over HTTP.

    Attributes:
        address: where it listens.
    """

    def __init__(self, address: Address, pid: int) -> None:
        """Begins to listen.

        Raises:
            MissingPackage: without prometheus-client.
            BadArgument: where the address cannot be listened on.
        """
        try:
            from prometheus_client import CollectorRegistry, start_http_server
        except ImportError:
            raise MissingPackage(
                "--metrics needs the Python package prometheus-client", "Install it: pip install 'gdb-tls[metrics]'."
            ) from None
        self._pid = str(pid)
        self._look: Look | None = None
        self._looks = 0
        self._events: dict[str, int] = {}
        self._alarms = 0
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        try:
            self._server, self._thread = start_http_server(address.port, address.host, registry)
        except OSError as error:
            raise BadArgument(
                f"{address} cannot be listened on ({error.strerror or error})", "Choose another with --metrics."
            ) from error
        self.address = Address(address.host, self._server.server_port)

    def tell(self, look: Look | None, events: list[Event]) -> None:
        """Takes a look, and counts events."""
        if look is not None:
            self._looks += 1
        self._look = look or self._look
        for event in events:
            self._events[event.kind] = self._events.get(event.kind, 0) + 1
            if event.kind == "alarm" and not event.more.get("again"):
                self._alarms += 1

    def describe(self) -> list[Any]:
        """Nothing is said of the metrics before there is a look."""
        return []

    def collect(self) -> Iterator[Any]:
        """What prometheus-client asks for at each scrape."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        look = self._look
        looks = CounterMetricFamily("gdb_tls_looks", "How often the process has been looked at", labels=["pid"])
        looks.add_metric([self._pid], self._looks)
        yield looks
        events = CounterMetricFamily("gdb_tls_events", "What has happened, by kind", labels=["pid", "event"])
        for kind, number in sorted(self._events.items()):
            events.add_metric([self._pid, kind], number)
        yield events
        new = CounterMetricFamily("gdb_tls_new_alarms", "Alarms that had not been there before", labels=["pid"])
        new.add_metric([self._pid], self._alarms)
        yield new
        if look is None:
            return
        labels = ["pid", *ATTRIBUTES]
        states = GaugeMetricFamily(
            "gdb_tls_threads", "Threads that have a variable in a state", labels=[*labels, "state"]
        )
        flags = GaugeMetricFamily(
            "gdb_tls_flagged_threads", "Threads whose pointer is shared or dangling", labels=[*labels, "flag"]
        )
        for one in tallies(look):
            who = [self._pid, one.row.name, one.row.module]
            for state, number in {**one.states, "changing": one.changing}.items():
                states.add_metric([*who, state], number)
            for flag, number in one.remarkable.items():
                flags.add_metric([*who, flag], number)
        yield states
        yield flags
        for name, text, value in (
            ("gdb_tls_process_threads", "Threads of the process", len(look.threads)),
            ("gdb_tls_alarms", "What the audit finds alarming now", len(look.alarms)),
            ("gdb_tls_look_seconds", "How long the last look took", look.seconds),
            ("gdb_tls_look_time_seconds", "When the last look was, in seconds since 1970", look.when),
        ):
            metric = GaugeMetricFamily(name, text, labels=["pid"])
            metric.add_metric([self._pid], value)
            yield metric
        alarms = GaugeMetricFamily("gdb_tls_alarm_score", "An alarm, 50 to 100", labels=[*labels, "rule"])
        for alarm in look.alarms.values():
            alarms.add_metric([self._pid, alarm.name, alarm.module, alarm.rule], alarm.score)
        yield alarms

    def close(self) -> None:
        """Stops listening."""
        self._server.shutdown()
        self._server.server_close()
