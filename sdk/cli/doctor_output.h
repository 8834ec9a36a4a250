// doctor_output.h: an examination and what was found, for people and for machines.
#pragma once

#include "doctor_examination.h"
#include "doctor_finding.h"
#include "report.h"
#include "terminal.h"

#include <ostream>
#include <vector>

void print_examination(std::ostream& out, const Examination& examination,
                       const std::vector<Finding>& findings, const Style& style);

// The server's chain as a tree, the anchor on top, each fault below the certificate that has it.
void print_chain(std::ostream& out, const Examination& examination, const Style& style);
// What was sent, and the chain that was built of it.
Json chain_to_json(const Examination& examination);

// sdk/docs/sally.md describes it.
Json to_json(const Examination& examination, const std::vector<Finding>& findings);
