from __future__ import annotations

import socket

import pytest

from pulsestage.cli.listening import PortTaken, close, listen, port_of
from pulsestage.cli.terminal import Failure


def test_every_address_of_the_host_has_the_same_port() -> None:
    sockets = listen("localhost", 0)
    try:
        assert len({port_of(each) for each in sockets}) == 1
        assert all(each.proto == socket.IPPROTO_TCP for each in sockets)
    finally:
        close(sockets)


def test_every_address_is_both_families_each_with_a_socket() -> None:
    sockets = listen("::", 0)
    try:
        assert {each.family for each in sockets} == {socket.AF_INET, socket.AF_INET6}
        assert len({port_of(each) for each in sockets}) == 1
    finally:
        close(sockets)


def test_a_port_can_be_taken_once() -> None:
    sockets = listen("127.0.0.1", 0)
    try:
        with pytest.raises(PortTaken, match="choose another one with --port"):
            listen("127.0.0.1", port_of(sockets[0]))
    finally:
        close(sockets)


def test_a_port_can_be_taken_again_while_its_last_connections_are_ending() -> None:
    [listener] = listen("127.0.0.1", 0)
    with listener, socket.create_connection(listener.getsockname()) as client:
        accepted, _ = listener.accept()
        accepted.close()  # who closes first keeps the address for a minute
        assert client.recv(1) == b""
        port = port_of(listener)
    close(listen("127.0.0.1", port))


def test_an_unknown_host() -> None:
    with pytest.raises(Failure, match=r"nowhere\.invalid is no address of this machine"):
        listen("nowhere.invalid", 0)
