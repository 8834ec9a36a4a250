// Files that are watched: each way in which they are changed is noticed, and nobody who goes is
// looked for.
#include "lib/folder.h"
#include "status/error.h"
#include "tls/file_traces.h"
#include "tls/file_watch.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <future>
#include <gtest/gtest.h>
#include <semaphore>

namespace sally::test {
namespace {

using tls::FileWatch;
using tls::folders_on_the_way;
using tls::traces_of;

constexpr std::chrono::seconds generous{30};

// Counts the looks at some files.
class Looks {
 public:
  explicit Looks(std::vector<std::string> paths)
      : watch_(paths, traces_of(paths), [this] {
          return FileWatch::Look([this] {
            looked_.release();
            return !in_vain_.exchange(false);
          });
        }) {}

  void next_is_in_vain() { in_vain_ = true; }
  testing::AssertionResult come() {
    return looked_.try_acquire_for(generous) ? testing::AssertionSuccess()
                                             : testing::AssertionFailure() << "nobody looked";
  }

 private:
  std::counting_semaphore<> looked_{0};
  std::atomic<bool> in_vain_ = false;
  FileWatch watch_;
};

TEST(FileTraces, TellTheFoldersOfAPlainPath) {
  Folder folder;
  folder.write("a/file", "1");
  EXPECT_EQ(folders_on_the_way(folder.path("a/file")), std::set{folder.path("a")});
  EXPECT_EQ(folders_on_the_way(folder.path("a/nothing")), std::set{folder.path("a")});
  EXPECT_EQ(folders_on_the_way(folder.path("no/such/file")), std::set{folder.path()});
}

TEST(FileTraces, TellTheFolderOfEachLinkOnTheWay) {
  Folder folder;
  folder.write("first/tls.crt", "1");
  folder.link("first", "data");
  folder.link("data/tls.crt", "tls.crt");
  EXPECT_EQ(folders_on_the_way(folder.path("tls.crt")),
            (std::set{folder.path(), folder.path("first")}));
}

TEST(FileTraces, FollowNoLoopForEver) {
  Folder folder;
  folder.link("b", "a");
  folder.link("a", "b");
  EXPECT_EQ(folders_on_the_way(folder.path("a")), std::set{folder.path()});
}

TEST(FileTraces, DifferWhereAFileOrAFileOfAFolderDoes) {
  Folder folder;
  folder.write("certs/a.pem", "1");
  const std::vector<std::string> file = {folder.path("certs/a.pem")};
  const std::vector<std::string> certs = {folder.path("certs")};
  const auto file_before = traces_of(file);
  const auto folder_before = traces_of(certs);
  EXPECT_EQ(traces_of(file), file_before);
  EXPECT_EQ(traces_of(certs), folder_before);
  folder.write("certs/a.pem", "22");
  EXPECT_NE(traces_of(file), file_before);
  EXPECT_NE(traces_of(certs), folder_before);
  std::filesystem::remove(folder.path("certs/a.pem"));
  EXPECT_NE(traces_of(file), file_before);
}

TEST(FileWatch, NoticesAFileThatIsWrittenReplacedRemovedAndMadeAgain) {
  Folder folder;
  folder.write("file", "1");
  Looks looks({folder.path("file")});
  folder.write("file", "22");
  EXPECT_TRUE(looks.come());
  folder.replace("file", "333");
  EXPECT_TRUE(looks.come());
  std::filesystem::remove(folder.path("file"));
  EXPECT_TRUE(looks.come());
  folder.write("file", "4444");
  EXPECT_TRUE(looks.come());
}

TEST(FileWatch, NoticesTheSwapOfALinkToAFolder) {
  Folder folder;
  folder.write("..1/tls.crt", "1");
  folder.write("..2/tls.crt", "22");
  folder.link("..1", "..data");
  folder.link("..data/tls.crt", "tls.crt");
  Looks looks({folder.path("tls.crt")});
  folder.link("..2", "..data_tmp");
  folder.rename("..data_tmp", "..data");
  EXPECT_TRUE(looks.come());
  // And what is done where the link now leads.
  folder.write("..2/tls.crt", "333");
  EXPECT_TRUE(looks.come());
}

TEST(FileWatch, NoticesAFolderThatIsReplacedAndAFileThatJoinsIt) {
  Folder folder;
  folder.write("certs/a", "1");
  folder.write("other/a", "1");
  Looks looks({folder.path("certs")});
  folder.write("certs/b", "1");
  EXPECT_TRUE(looks.come());
  folder.rename("certs", "old");
  EXPECT_TRUE(looks.come());
  folder.rename("other", "certs");
  EXPECT_TRUE(looks.come());
}

TEST(FileWatch, LooksAgainAfterALookInVain) {
  Folder folder;
  folder.write("file", "1");
  Looks looks({folder.path("file")});
  looks.next_is_in_vain();
  folder.replace("file", "22");
  EXPECT_TRUE(looks.come());
  EXPECT_TRUE(looks.come());
}

TEST(FileWatch, SeesWhatChangedBeforeItBegan) {
  Folder folder;
  folder.write("file", "1");
  const std::vector<std::string> paths = {folder.path("file")};
  const std::string before = traces_of(paths);
  folder.replace("file", "22");
  std::binary_semaphore looked{0};
  const FileWatch watch(paths, before, [&] {
    return FileWatch::Look([&] {
      looked.release();
      return true;
    });
  });
  EXPECT_TRUE(looked.try_acquire_for(generous));
}

TEST(FileWatch, GoesWhileALookIsUnderWay) {
  Folder folder;
  folder.write("file", "1");
  const std::vector<std::string> paths = {folder.path("file")};
  const auto looking = std::make_shared<std::binary_semaphore>(0);
  const auto gone = std::make_shared<std::binary_semaphore>(0);
  auto watch = std::make_unique<FileWatch>(paths, traces_of(paths), [=] {
    return FileWatch::Look([=] {
      looking->release();
      return gone->try_acquire_for(generous);
    });
  });
  folder.replace("file", "22");
  ASSERT_TRUE(looking->try_acquire_for(generous));
  watch.reset();  // does not wait
  gone->release();
}

TEST(FileWatch, GoesFromWithinItsOwnLook) {
  Folder folder;
  folder.write("file", "1");
  const std::vector<std::string> paths = {folder.path("file")};
  std::promise<void> gone;
  std::unique_ptr<FileWatch> watch;
  std::binary_semaphore made{0};
  watch = std::make_unique<FileWatch>(paths, traces_of(paths), [&] {
    return FileWatch::Look([&] {
      made.acquire();
      watch.reset();
      gone.set_value();
      return true;
    });
  });
  made.release();
  folder.replace("file", "22");
  EXPECT_EQ(gone.get_future().wait_for(generous), std::future_status::ready);
}

}  // namespace
}  // namespace sally::test
