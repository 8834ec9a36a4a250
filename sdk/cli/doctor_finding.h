// doctor_finding.h: what the doctor makes of an examination.
#pragma once

#include "certificates.h"
#include "doctor_examination.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// One thing that is wrong, or worth knowing.
struct Finding {
  std::string cause{};     // one of those that sdk/docs/sally.md lists
  std::string sentence{};  // plain, and whole
  std::string fix{};
  bool is_problem = true;  // else a remark
  bool is_certain = true;  // else the most likely of several
  std::vector<std::string> evidence{};
};

// All that was found, the first cause first. Without a problem among them all is well.
std::vector<Finding> diagnose(const Examination& examination);

// The parts of it, each in the order of its weight.
void find_in_network(const Examination& examination, std::vector<Finding>& findings);
// How to mend an address that does not answer, where that is what is wrong with it.
std::optional<std::string> network_advice(const AddressProbe& probe, const Patient& patient);
void find_in_protocol(const Examination& examination, std::vector<Finding>& findings);
void find_in_certificates(const Examination& examination, std::vector<Finding>& findings);
void find_in_client_certificate(const Examination& examination, std::vector<Finding>& findings);
void find_in_application(const Examination& examination, std::vector<Finding>& findings);
// Who should have issued the last certificate of a chain that leads to nobody.
Finding find_issuer(const Examination& examination);

// What is wrong with this side's own certificate, whoever is shown it.
std::optional<Finding> find_own_flaw(const Examination& examination);
// Certificates with this subject, in the folders of the files that were given, --ca and --cert.
std::vector<FoundCertificate> find_nearby(const Examination& examination, std::string_view subject);

// Whether the server asks for a certificate, and its TLS lets in who shows none.
bool lets_in_anybody(const Examination& examination);
// Whether this side's certificate was shown in a handshake that it was for.
bool shows_certificate(const Examination& examination);

// The sentence that is drawn from them.
std::string conclusion(const Examination& examination, const std::vector<Finding>& findings);

// 'a', 'b' and 'c'.
std::string quoted(const std::vector<std::string>& texts);
