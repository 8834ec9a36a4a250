// What is wrong with the certificates that the server shows.
#include "doctor_finding.h"
#include "report.h"

#include <algorithm>
#include <chrono>

namespace {

using std::chrono::sys_seconds;

std::string days_of(std::chrono::seconds duration) {
  const auto days = std::chrono::duration_cast<std::chrono::days>(duration).count();
  if (days > 1) return std::to_string(days) + " days";
  const auto hours = std::chrono::duration_cast<std::chrono::hours>(duration).count();
  if (hours > 1) return std::to_string(hours) + " hours";
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(duration).count();
  if (minutes > 1) return std::to_string(minutes) + " minutes";
  return std::to_string(duration.count()) + " seconds";
}

// The certificates by which a clock can be judged, each once: the chain, this side's anchors, and this
// side's own.
std::vector<sally::Certificate> witnesses(const Examination& examination) {
  std::vector<sally::Certificate> all = examination.verdict->chain();
  all.insert(all.end(), examination.anchors.begin(), examination.anchors.end());
  if (examination.credential) all.push_back(examination.credential->certificate());
  std::ranges::sort(all, {}, &sally::Certificate::fingerprint);
  const auto again = std::ranges::unique(all, {}, &sally::Certificate::fingerprint);
  all.erase(again.begin(), again.end());
  return all;
}

// One certificate may be late or early. Where all of them are, those of the CA among them, which were
// made to outlive the others, it is the clock.
std::optional<Finding> find_clock(const Examination& examination) {
  const std::vector<sally::Certificate> all = witnesses(examination);
  const sys_seconds time = examination.time;
  if (all.size() < 2) return std::nullopt;
  const bool is_early = std::ranges::all_of(
      all, [&](const sally::Certificate& one) { return time < one.not_before(); });
  const bool is_late = std::ranges::all_of(
      all, [&](const sally::Certificate& one) { return one.not_after() < time; });
  if (!is_early && !is_late) return std::nullopt;
  const bool is_given = examination.patient.time.has_value();
  const std::string clock =
      (is_given ? "the time that was given (" : "the clock of this machine (") + rfc3339(time) +
      ')';
  const auto nearest =
      is_early ? std::ranges::max(all, {}, &sally::Certificate::not_before).not_before() - time
               : time - std::ranges::min(all, {}, &sally::Certificate::not_after).not_after();
  const std::string verb = is_early ? "is not valid yet" : "has expired";
  Finding finding{.cause = "clock", .is_certain = is_early};
  finding.sentence = "By " + clock + " every certificate here, those of the CA too, " + verb +
                     ": " +
                     (is_early ? "the clock is behind, by " + days_of(nearest) + " or more."
                               : "either the clock is ahead, by " + days_of(nearest) +
                                     " or more, or all of them must be renewed.");
  finding.fix =
      "Set the clock, by NTP for example: timedatectl set-ntp true. A device without a clock may "
      "verify "
      "by the time when its software was built.";
  for (const sally::Certificate& one : all) {
    finding.evidence.push_back('\'' + std::string(one.subject()) + "' is valid from " +
                               rfc3339(one.not_before()) + " to " + rfc3339(one.not_after()));
  }
  return finding;
}

std::vector<std::string> names_of(const sally::Certificate& leaf) {
  std::vector<std::string> names;
  for (const sally::AlternativeName& name : leaf.alternative_names()) {
    if (name.kind == SALLY_NAME_DNS || name.kind == SALLY_NAME_IP) names.emplace_back(name.text);
  }
  return names;
}

Finding of_name(const Examination& examination, const sally::Fault& fault) {
  const sally::Certificate leaf = examination.first->sent.front();
  const std::vector<std::string> names = names_of(leaf);
  const std::string& name = examination.patient.name;
  Finding finding{.cause = "name_mismatch", .evidence = {fault.message}};
  finding.sentence = "The server's certificate is not for '" + name + "', but for " +
                     (names.empty() ? "no name at all" : quoted(names)) + '.';
  finding.fix =
      names.empty()
          ? "Have a certificate issued that lists '" + name +
                "' as a subject alternative name; the common name does not count."
          : "First make sure that this is the server that is meant: a wrong address and a "
            "stranger's server look just so. If it is, have it show a certificate for '" +
                name +
                "', or connect by a name of this one. Only where you know that "
                "server by the other name, verify that one instead: --name " +
                names.front() + ".";
  const auto& nameless = examination.nameless;
  if (nameless && !nameless->sent.empty()) {
    const bool is_same = nameless->sent.front().fingerprint() == leaf.fingerprint();
    finding.evidence.push_back(
        is_same
            ? "it shows the same certificate to a client that asks for no name (SNI): it has none "
              "for '" +
                  name + "', or does not look at the name"
            : "to a client that asks for no name (SNI) it shows another one: '" +
                  std::string(nameless->sent.front().subject()) + '\'');
  }
  return finding;
}

std::string whose(const sally::Fault& fault) {
  return fault.depth == 0 ? "The server's certificate '" + fault.subject + '\''
                          : "The CA certificate '" + fault.subject + "' in the server's chain";
}

Finding of_dates(const Examination& examination, const sally::Fault& fault) {
  const bool expired = fault.status == SALLY_CERTIFICATE_EXPIRED;
  const auto chain = examination.verdict->chain();
  const auto depth = static_cast<std::size_t>(fault.depth);
  Finding finding{.cause = expired ? "expired" : "not_yet_valid", .evidence = {fault.message}};
  if (depth >= chain.size()) return finding;
  const auto gap = expired ? examination.time - chain[depth].not_after()
                           : chain[depth].not_before() - examination.time;
  finding.sentence =
      whose(fault) +
      (expired ? " expired " + days_of(gap) + " ago, on " + rfc3339(chain[depth].not_after())
               : " is not valid for another " + days_of(gap) + ", until " +
                     rfc3339(chain[depth].not_before()) +
                     "; or the clock of this machine, which says " + rfc3339(examination.time) +
                     ", is behind") +
      '.';
  finding.fix =
      expired ? "Renew it on the server, and have the server load the new one; this side's "
                "clock agrees with the other certificates."
              : "Compare this machine's clock with another one first (timedatectl tells whether it "
                "is set by NTP). If it is right, the clock or the time zone of who issued the "
                "certificate is most likely wrong: have it issued again, with a beginning that "
                "has passed, and have the server load it; or have the server show another one "
                "that is valid, until then.";
  finding.is_certain = expired;
  return finding;
}

// Of the two extensions that say what a certificate is for, those which do not name what they must.
struct LackingUsage {
  std::string found, lacks, wanted;
};

std::vector<LackingUsage> lacking_usages(const sally::Certificate& certificate, bool is_leaf) {
  std::vector<LackingUsage> lacking;
  const auto add = [&](const char* extension, const std::vector<std::string>& names,
                       const std::string& wanted) {
    if (names.empty() || std::ranges::find(names, wanted) != names.end()) return;
    lacking.push_back({.found = std::string("its ") + extension + " is " + quoted(names),
                       .lacks = '\'' + wanted + '\'',
                       .wanted = std::string("the ") + extension + ' ' + wanted});
  };
  add("extended key usage", extended_usages_of(certificate), "serverAuth");
  add("key usage", key_usages_of(certificate), is_leaf ? "digitalSignature" : "keyCertSign");
  return lacking;
}

Finding of_usage(const Examination& examination, const sally::Fault& fault) {
  Finding finding{.cause = "wrong_usage", .evidence = {fault.message}};
  const auto chain = examination.verdict->chain();
  const auto depth = static_cast<std::size_t>(std::max(fault.depth, 0));
  const auto lacking =
      depth < chain.size() ? lacking_usages(chain[depth], depth == 0) : std::vector<LackingUsage>();
  std::string why;
  std::string wanted;
  for (const LackingUsage& one : lacking) {
    why += (why.empty() ? "" : ", and ") + one.found + ", without " + one.lacks;
    wanted += (wanted.empty() ? "" : " and ") + one.wanted;
  }
  finding.sentence = whose(fault) +
                     (lacking.empty() ? " does not allow this use: " + fault.message
                      : depth == 0    ? " may not be used by a server: " + why
                                      : " may not issue a server's: " + why) +
                     '.';
  const bool is_clients = depth == 0 && !lacking.empty() &&
                          lacking.front().wanted == "the extended key usage serverAuth";
  finding.fix =
      (is_clients ? "If the server was given a client's certificate by mistake, have it load its "
                    "own. Otherwise have this one issued again with "
                  : "Have it issued again with ") +
      (wanted.empty() ? "the usages of a server's certificate" : wanted) +
      (is_clients ? " (and clientAuth, if it is shown as a client's too)" : "") +
      ", and have the server load it.";
  return finding;
}

Finding of_self_signed(const sally::Fault& fault) {
  return {
      .cause = "self_signed",
      .sentence = whose(fault) + " is signed by itself, and is not trusted here.",
      .fix =
          "If this is the right server, and its administrator confirms the fingerprint, give the "
          "certificate itself as --ca; better have one issued by a CA.",
      .evidence = {fault.message}};
}

Finding of_other(const sally::Fault& fault) {
  const bool is_weak = fault.status == SALLY_CERTIFICATE_WEAK_KEY ||
                       fault.status == SALLY_CERTIFICATE_WEAK_SIGNATURE;
  const bool is_revoked = fault.status == SALLY_CERTIFICATE_REVOKED;
  return {.cause = is_revoked ? "revoked"
                   : is_weak  ? "weak"
                              : "bad_certificate",
          .sentence = whose(fault) + " is refused: " + fault.message + '.',
          .fix = std::string(sally::status_hint(fault.status)),
          .evidence = {std::string(sally::status_name(fault.status))}};
}

Finding explain(const Examination& examination, const sally::Fault& fault) {
  switch (fault.status) {
    case SALLY_CERTIFICATE_UNKNOWN_CA:
      return find_issuer(examination);
    case SALLY_CERTIFICATE_SELF_SIGNED:
      return of_self_signed(fault);
    case SALLY_CERTIFICATE_NAME_MISMATCH:
      return of_name(examination, fault);
    case SALLY_CERTIFICATE_EXPIRED:
    case SALLY_CERTIFICATE_NOT_YET_VALID:
      return of_dates(examination, fault);
    case SALLY_CERTIFICATE_WRONG_USAGE:
      return of_usage(examination, fault);
    default:
      return of_other(fault);
  }
}

bool is_about_time(const sally::Fault& fault) {
  return fault.status == SALLY_CERTIFICATE_EXPIRED ||
         fault.status == SALLY_CERTIFICATE_NOT_YET_VALID;
}

// The one that decided comes first.
std::vector<sally::Fault> faults_of(const sally::Verdict& verdict) {
  std::vector<sally::Fault> faults = verdict.faults();
  std::erase_if(faults, &sally::Fault::ignored);
  std::ranges::stable_partition(
      faults, [&](const sally::Fault& fault) { return fault.status == verdict.status(); });
  return faults;
}

void remark_on_expiry(const Examination& examination, std::vector<Finding>& findings) {
  constexpr std::chrono::days soon{14};
  const sally::Certificate leaf = examination.first->sent.front();
  const auto left = leaf.not_after() - examination.time;
  if (left < std::chrono::seconds(0) || left > soon) return;
  findings.push_back({.cause = "expires_soon",
                      .sentence = "The server's certificate expires in " + days_of(left) + '.',
                      .fix = "Renew it on the server.",
                      .is_problem = false});
}

}  // namespace

void find_in_certificates(const Examination& examination, std::vector<Finding>& findings) {
  if (!examination.first || examination.first->sent.empty()) return;
  if (!examination.verdict) {
    const auto& error = examination.first->error;
    findings.push_back({.cause = "bad_certificate",
                        .sentence = "A certificate that the server shows does not decode.",
                        .fix = error ? std::string(error->hint()) : "Have it issued again."});
    return;
  }
  const std::optional<Finding> clock =
      examination.verdict->accepted() ? std::nullopt : find_clock(examination);
  if (clock) findings.push_back(*clock);
  for (const sally::Fault& fault : faults_of(*examination.verdict)) {
    if (clock && is_about_time(fault)) continue;
    findings.push_back(explain(examination, fault));
  }
  remark_on_expiry(examination, findings);
}
