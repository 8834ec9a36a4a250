// doctor_finding.h: what the doctor makes of an examination.
#pragma once

#include "doctor_examination.h"

#include <string>
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
void find_in_protocol(const Examination& examination, std::vector<Finding>& findings);
void find_in_certificates(const Examination& examination, std::vector<Finding>& findings);
void find_in_client_certificate(const Examination& examination, std::vector<Finding>& findings);
// Who should have issued the last certificate of a chain that leads to nobody.
Finding find_issuer(const Examination& examination);

// The sentence that is drawn from them.
std::string conclusion(const Examination& examination, const std::vector<Finding>& findings);

// 'a', 'b' and 'c'.
std::string quoted(const std::vector<std::string>& texts);
