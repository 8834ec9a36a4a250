// doctor_network.h: names, addresses, and plain connections.
#pragma once

#include "doctor_examination.h"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

// The addresses of a host, each once. The library resolves only in order to connect; the doctor wants
// to see them all.
Resolved resolve(const Endpoint& endpoint, std::chrono::milliseconds timeout);

// Each address at the same time as the others: those that drop packets cost one time-out together.
std::vector<AddressProbe> probe_addresses(const Patient& patient,
                                          const std::vector<std::string>& hosts);

// Speaks --starttls's protocol up to where TLS begins, where that was asked for. Why it does not come to
// that, printable; std::nullopt: it does.
std::optional<std::string> begin_tls(const Patient& patient, sally::StreamSocket& socket);

// A hello on a connection of its own.
Answer ask(const Patient& patient, const std::string& host, const Hello& hello);
