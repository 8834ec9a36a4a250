// Beside the openssl command at its strictest: what it refuses, we do not accept.
#include "lib/tls_pair.h"
#include "tls/offline.h"
#include "transport/endpoint.h"

#include <cstdio>
#include <gtest/gtest.h>
#include <memory>
#include <set>
#include <string>

namespace sally::test {
namespace {

sally_status our_verdict(const ZooEntry& entry) {
  const std::string chain = read_text_file(zoo_path(entry.chain));
  const bool is_ip = transport::is_ip_literal(entry.verify_name);
  tls::OfflineQuestion question{.trust = trust_file(entry.ca), .leaf = chain};
  question.purpose = entry.role == "server" ? tls::Purpose::server : tls::Purpose::client;
  question.name = {.text = entry.verify_name, .is_ip = is_ip};
  return tls::judge_offline(question).error->status();
}

bool openssl_accepts(const ZooEntry& entry) {
  const std::string chain = zoo_path(entry.chain);
  std::string command = "openssl verify -x509_strict -auth_level 2 -no-CApath -no-CAstore";
  command += " -purpose ssl" + entry.role + " -CAfile '" + zoo_path(entry.ca) + "'";
  if (!entry.verify_name.empty()) {
    command += transport::is_ip_literal(entry.verify_name) ? " -verify_ip " : " -verify_hostname ";
    command += "'" + entry.verify_name + "'";
  }
  command += " -untrusted '" + chain + "' '" + chain + "' 2>&1";
  FILE* output = ::popen(command.c_str(), "r");
  std::string text(4096, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), output));
  const bool accepted = ::pclose(output) == 0;
  EXPECT_EQ(accepted, text.ends_with(": OK\n")) << text;
  return accepted;
}

std::string listed(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += name + " ";
  return text;
}

TEST(StrictnessOverTheZoo, IsAtLeastThatOfOpenssl) {
  std::set<std::string> laxer;
  std::set<std::string> stricter;
  int judged = 0;
  for (const ZooEntry& entry : zoo()) {
    if (entry.role != "server" && entry.role != "client") continue;
    ++judged;
    const bool ours = our_verdict(entry) == SALLY_OK;
    const bool theirs = openssl_accepts(entry);
    if (ours && !theirs) laxer.insert(entry.name);
    if (!ours && theirs) stricter.insert(entry.name);
  }
  EXPECT_GT(judged, 90);
  // The command takes the first certificate that could be the issuer and does not come back; there
  // is a good path, and RFC 8446 section 4.4.2 asks to be ready for what does not belong to it.
  const std::set<std::string> another_path = {"server-chain-crossed-dead-end-first",
                                              "client-chain-crossed-dead-end-first"};
  EXPECT_EQ(laxer, another_path) << listed(laxer);
  const std::set<std::string> ours_alone = {"server-cn-only", "server-wildcard-partial",
                                            "server-key-agreement-usage",
                                            "client-key-agreement-usage"};
  EXPECT_EQ(stricter, ours_alone) << listed(stricter);
}

TEST(StrictnessOverTheZoo, IsTheSameWithoutAConnection) {
  for (const ZooEntry& entry : zoo()) {
    if (entry.role != "server" && entry.role != "client") continue;
    EXPECT_EQ(name_of(our_verdict(entry)), entry.expected) << entry.name;
  }
}

}  // namespace
}  // namespace sally::test
