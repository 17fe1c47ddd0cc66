"""The in-process PyVISA backend: ``pyvisa.ResourceManager("rack.toml@rackwright")``.

What stands before the @ is a rack file, or the name of a topology; one resource manager is one
rack. Instruments are ``TCPIP::<rack>::<instrument>::INSTR``; the rack's name is not looked at, and
a leading ``hislip_`` and a port are taken off the instrument's. Nothing listens, no thread runs
(but a replay's), virtual time makes scripts repeat exactly. Asynchronous reads, memory and
register access are not there: PyVISA says so.

`pyvisa_rackwright` is the package under whose name PyVISA finds this class.
"""

from __future__ import annotations

import itertools
import re
import time
from typing import Any

from pyvisa import constants, errors, highlevel, rname
from pyvisa.constants import ResourceAttribute as Attribute
from pyvisa.constants import StatusCode
from pyvisa.util import DebugInfo, LibraryPath

from rackwright.errors import UnknownName
from rackwright.panel.locks import Locks
from rackwright.panel.panel import Panel
from rackwright.panel.rackfile import rack_file_of, read_rack
from rackwright.panel.scpi.status import MSS
from rackwright.panel.session import Session

__all__ = ["RackwrightLibrary", "instrument_of"]

_DEFAULTS: dict[Attribute, Any] = {
    Attribute.timeout_value: 2000, Attribute.termchar: 10,
    Attribute.termchar_enabled: constants.VI_FALSE,
    Attribute.send_end_enabled: constants.VI_TRUE,
    Attribute.suppress_end_enabled: constants.VI_FALSE,
    Attribute.resource_class: "INSTR", Attribute.interface_number: 0,
    Attribute.interface_type: constants.InterfaceType.tcpip,
}
_SERVICE = constants.EventType.service_request


class RackwrightLibrary(highlevel.VisaLibraryBase):
    """PyVISA's library interface over one `Panel`."""

    panel: Panel

    @staticmethod
    def get_library_paths() -> tuple[LibraryPath, ...]:
        """There is no default rack: a file or a topology must be named."""
        return ()

    @staticmethod
    def get_debug_info() -> DebugInfo:
        import rackwright

        return {"Version": rackwright.__version__}

    def _init(self) -> None:
        self.panel = open_panel(str(self.library_path))
        self._numbers = itertools.count(1)
        self._sessions: dict[int, Session] = {}
        self._attributes: dict[int, dict[Attribute, Any]] = {}
        self._locks = {name: Locks() for name in self.panel.instruments}
        self._requested: dict[int, bool] = {}

    # ---- sessions

    def open_default_resource_manager(self) -> tuple[Any, StatusCode]:
        number: Any = next(self._numbers)
        return number, self.handle_return_value(number, StatusCode.success)

    def list_resources(self, session: Any, query: str = "?*::INSTR") -> tuple[str, ...]:
        names = [f"TCPIP0::{self.panel.file.name}::{name}::INSTR"
                 for name in self.panel.instruments]
        return tuple(rname.filter(names, query))

    def open(self, session: Any, resource_name: str,
             access_mode: constants.AccessModes = constants.AccessModes.no_lock,
             open_timeout: int = constants.VI_TMO_IMMEDIATE) -> tuple[Any, StatusCode]:
        try:
            name = instrument_of(resource_name)
            opened = Session(self.panel, name)
        except rname.InvalidResourceName:
            raise self._failed(session, StatusCode.error_invalid_resource_name) from None
        except UnknownName:
            raise self._failed(session, StatusCode.error_resource_not_found) from None
        number: Any = next(self._numbers)
        self._sessions[number] = opened
        self._attributes[number] = {**_DEFAULTS, Attribute.resource_name: resource_name}
        if access_mode == constants.AccessModes.exclusive_lock:
            self.lock(number, constants.Lock.exclusive, open_timeout)
        return number, self.handle_return_value(number, StatusCode.success)

    def close(self, session: Any) -> StatusCode:
        opened = self._sessions.pop(session, None)
        self._attributes.pop(session, None)
        self._requested.pop(session, None)
        if opened is not None:
            self._locks[opened.name].drop(session)
            opened.close()
        return StatusCode.success

    # ---- messages

    def write(self, session: Any, data: bytes) -> tuple[int, StatusCode]:
        opened = self._commanding(session)
        opened.write(bytes(data))
        return len(data), self.handle_return_value(session, StatusCode.success)

    def read(self, session: Any, count: int) -> tuple[bytes, StatusCode]:
        opened, wanted = self._commanding(session), count
        stop = self._attribute(session, Attribute.termchar)
        waiting = opened.peek()
        ends = bool(self._attribute(session, Attribute.termchar_enabled))
        if not waiting:
            got = opened.read(0, self._seconds(session))
            if got is None:
                raise self._failed(session, StatusCode.error_timeout)
            waiting = opened.peek()
        at = waiting.find(bytes([stop]), 0, count) if ends else -1
        got = opened.read(at + 1 if at >= 0 else wanted, 0.0)
        assert got is not None
        code = StatusCode.success if got[1] else (
            StatusCode.success_termination_character_read if at >= 0
            else StatusCode.success_max_count_read)
        return got[0], self.handle_return_value(session, code)

    def read_stb(self, session: Any) -> tuple[int, StatusCode]:
        found = self._session(session).status_byte()
        return found, self.handle_return_value(session, StatusCode.success)

    def clear(self, session: Any) -> StatusCode:
        self._commanding(session).clear()
        return self.handle_return_value(session, StatusCode.success)

    def flush(self, session: Any, mask: constants.BufferOperation) -> StatusCode:
        self._session(session)
        return self.handle_return_value(session, StatusCode.success)

    def assert_trigger(self, session: Any, protocol: constants.TriggerProtocol) -> StatusCode:
        self._commanding(session).write(b"*TRG")
        return self.handle_return_value(session, StatusCode.success)

    # ---- attributes, locks, service requests

    def get_attribute(self, session: Any, attribute: Any) -> tuple[Any, StatusCode]:
        known = self._attributes.get(session, {})
        if attribute not in known:
            raise self._failed(session, StatusCode.error_nonsupported_attribute)
        return known[attribute], self.handle_return_value(session, StatusCode.success)

    def set_attribute(self, session: Any, attribute: Attribute, attribute_state: Any
                      ) -> StatusCode:
        if attribute not in self._attributes.get(session, {}):
            raise self._failed(session, StatusCode.error_nonsupported_attribute)
        self._attributes[session][attribute] = attribute_state
        return self.handle_return_value(session, StatusCode.success)

    def lock(self, session: Any, lock_type: constants.Lock, timeout: int,
             requested_key: str | None = None) -> tuple[str, StatusCode]:
        shared = lock_type == constants.Lock.shared
        key = (requested_key or f"rackwright-{session}") if shared else ""
        if not self._locks[self._session(session).name].take(session, key):
            raise self._failed(session, StatusCode.error_resource_locked)
        return key, self.handle_return_value(session, StatusCode.success)

    def unlock(self, session: Any) -> StatusCode:
        if not self._locks[self._session(session).name].release(session):
            raise self._failed(session, StatusCode.error_session_not_locked)
        return self.handle_return_value(session, StatusCode.success)

    def enable_event(self, session: Any, event_type: constants.EventType,
                     mechanism: constants.EventMechanism, context: None = None) -> StatusCode:
        if event_type != _SERVICE or mechanism != constants.EventMechanism.queue:
            raise self._failed(session, StatusCode.error_nonsupported_operation)
        self._requested[session] = False
        return self.handle_return_value(session, StatusCode.success)

    def disable_event(self, session: Any, event_type: constants.EventType,
                      mechanism: constants.EventMechanism) -> StatusCode:
        self._requested.pop(session, None)
        return self.handle_return_value(session, StatusCode.success)

    def discard_events(self, session: Any, event_type: constants.EventType,
                       mechanism: constants.EventMechanism) -> StatusCode:
        return self.handle_return_value(session, StatusCode.success)

    def wait_on_event(self, session: Any, in_event_type: constants.EventType, timeout: int
                      ) -> tuple[constants.EventType, Any, StatusCode]:
        """Until the master summary bit is set: what is pending goes on meanwhile."""
        if session not in self._requested:
            raise self._failed(session, StatusCode.error_not_enabled)
        opened, deadline = self._session(session), time.monotonic() + timeout / 1000
        while not opened.status_byte() & MSS:
            pending = list(opened.interpreter.instrument.operations())
            if time.monotonic() >= deadline or not pending:
                raise self._failed(session, StatusCode.error_timeout)
            time.sleep(pending[0].advance())
        number = next(self._numbers)
        self.handle_return_value(session, StatusCode.success)
        return _SERVICE, number, StatusCode.success

    # ---- inside

    def _session(self, session: Any) -> Session:
        if session not in self._sessions:
            raise errors.InvalidSession()
        return self._sessions[session]

    def _commanding(self, session: Any) -> Session:
        """The session, if no lock of another keeps it out."""
        opened = self._session(session)
        if not self._locks[opened.name].free_for(session):
            raise self._failed(session, StatusCode.error_resource_locked)
        return opened

    def _attribute(self, session: Any, attribute: Attribute) -> Any:
        return self._attributes[session][attribute]

    def _seconds(self, session: Any) -> float:
        milliseconds = self._attribute(session, Attribute.timeout_value)
        if milliseconds == constants.VI_TMO_INFINITE:
            return float("inf")
        return float(milliseconds) / 1000

    def _failed(self, session: Any, code: StatusCode) -> errors.VisaIOError:
        """The error to raise, noted as the session's last status."""
        try:
            self.handle_return_value(session, code)
        except errors.VisaIOError as problem:
            return problem
        return errors.VisaIOError(code)


def open_panel(text: str) -> Panel:
    """A panel for a rack file or a topology's name."""
    return Panel(read_rack(text) if text.endswith(".toml") else rack_file_of(text))


def instrument_of(resource_name: str) -> str:
    """The instrument that a resource name means.

    >>> instrument_of("TCPIP::127.0.0.1::hislip_h0-gpu0,4880::INSTR")
    'h0-gpu0'
    """
    parsed: Any = rname.parse_resource_name(resource_name)
    name = getattr(parsed, "lan_device_name", "")
    return re.sub(r"^hislip_", "", str(name).partition(",")[0]) or "rack"
