#include "tls/file_watch.h"

#include "status/error.h"
#include "tls/file_traces.h"
#include "transport/deadline.h"
#include "transport/fork.h"
#include "transport/thread.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <list>
#include <map>
#include <mutex>
#include <poll.h>
#include <set>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace sally::tls {

using transport::Clock;
using transport::Deadline;

namespace {

// What belongs together is often written in one go, a key after its certificate: a look in between
// would be in vain.
constexpr std::chrono::milliseconds settling{20};
// How soon to look again after a look in vain, and where the system tells nothing of changes.
constexpr std::chrono::seconds look_again{1};
// Some file systems, network mounts above all, change without telling.
constexpr std::chrono::seconds look_anyway{10};

constexpr std::uint32_t changes = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                                  IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;

}  // namespace

struct FileWatch::Watched {
  const std::vector<std::string> paths;
  const Claim claim;
  // The watching thread's alone.
  std::string seen;
  std::set<int> folders{};  // as inotify numbers them
  Deadline due = Deadline::min();
};

namespace {

using Watched = FileWatch::Watched;

// The one thread that watches everything of this process. Never ended: it costs nothing while there
// is nothing to watch.
class Watcher {
 public:
  void add(std::shared_ptr<Watched> watched) {
    const std::lock_guard lock(mutex_);
    if (!started_) start();
    all_.push_back(std::move(watched));
    wake();
  }

  void remove(const std::shared_ptr<Watched>& watched) noexcept {
    const std::lock_guard lock(mutex_);
    all_.remove(watched);
    wake();
  }

 private:
  // Without either descriptor it still looks from time to time.
  void start() {
    if (inotify_ < 0) inotify_ = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (wake_ < 0) wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    transport::start_thread("sally-files", [this] { watch(); }).detach();
    started_ = true;
  }

  void wake() const noexcept {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(wake_, &one, sizeof one));
  }

  void watch() {
    for (;;) {
      const auto watched = snapshot();
      for (const auto& each : watched) {
        if (each->due <= Clock::now()) look(*each);
      }
      drop_unused_folders(watched);
      wait(watched);
    }
  }

  std::list<std::shared_ptr<Watched>> snapshot() {
    const std::lock_guard lock(mutex_);
    return all_;
  }

  void look(Watched& watched) {
    follow(watched);  // before the look, so that no change falls in between
    watched.due = Clock::now() + (inotify_ < 0 || wake_ < 0 ? look_again : look_anyway);
    std::string now = traces_of(watched.paths);
    if (now == watched.seen) return;
    FileWatch::Look look;
    {
      const std::lock_guard lock(mutex_);
      const bool wanted = std::any_of(all_.begin(), all_.end(),
                                      [&](const auto& each) { return each.get() == &watched; });
      if (wanted) look = watched.claim();
    }
    if (!look) return;
    if (look())
      watched.seen = std::move(now);
    else
      watched.due = Clock::now() + look_again;
  }

  void follow(Watched& watched) {
    watched.folders.clear();
    if (inotify_ < 0) return;
    for (const std::string& path : watched.paths) {
      for (const std::string& folder : folders_on_the_way(path)) {
        const int number = ::inotify_add_watch(inotify_, folder.c_str(), changes);
        if (number >= 0) watched.folders.insert(number);
      }
    }
    followed_.insert(watched.folders.begin(), watched.folders.end());
  }

  void drop_unused_folders(const std::list<std::shared_ptr<Watched>>& watched) {
    std::erase_if(followed_, [&](int number) {
      const bool used = std::any_of(watched.begin(), watched.end(), [number](const auto& each) {
        return each->folders.count(number) != 0;
      });
      if (!used) ::inotify_rm_watch(inotify_, number);
      return !used;
    });
  }

  void wait(const std::list<std::shared_ptr<Watched>>& watched) {
    int timeout = -1;
    if (!watched.empty()) {
      Deadline first = Deadline::max();
      for (const auto& each : watched) first = std::min(first, each->due);
      const auto rest = std::chrono::ceil<std::chrono::milliseconds>(
          std::max(first - Clock::now(), Clock::duration::zero()));
      timeout = static_cast<int>(rest.count());
    }
    std::array<pollfd, 2> sources = {pollfd{inotify_, POLLIN, 0}, pollfd{wake_, POLLIN, 0}};
    if (wake_ < 0 && timeout < 0) timeout = 1000;
    if (::poll(sources.data(), sources.size(), timeout) <= 0) return;
    std::uint64_t ignored = 0;
    static_cast<void>(!::read(wake_, &ignored, sizeof ignored));
    if (sources[0].revents != 0) note_changes(watched);
  }

  void note_changes(const std::list<std::shared_ptr<Watched>>& watched) {
    alignas(inotify_event) std::array<char, 16 * 1024> buffer{};
    for (;;) {
      const ssize_t size = ::read(inotify_, buffer.data(), buffer.size());
      if (size < 0 && errno == EINTR) continue;
      if (size <= 0) return;
      for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
        const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
        at += sizeof *event + event->len;
        const bool all = (event->mask & IN_Q_OVERFLOW) != 0;
        for (const auto& each : watched) {
          if (all || each->folders.count(event->wd) != 0)
            each->due = std::min(each->due, Clock::now() + settling);
        }
      }
    }
  }

  std::mutex mutex_;
  bool started_ = false;
  std::list<std::shared_ptr<Watched>> all_;
  int inotify_ = -1;
  int wake_ = -1;
  std::set<int> followed_;  // the watching thread's alone
};

transport::PerProcess<Watcher> watcher;

}  // namespace

FileWatch::FileWatch(std::vector<std::string> paths, std::string seen, Claim claim)
    : watched_(
          std::make_shared<Watched>(Watched{std::move(paths), std::move(claim), std::move(seen)})) {
  watcher.get().add(watched_);
}

// In a forked child there is no such watcher.
FileWatch::~FileWatch() {
  if (Watcher* existing = watcher.existing()) existing->remove(watched_);
}

}  // namespace sally::tls
