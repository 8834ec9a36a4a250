#include <iostream>
#include <string>

#include <sallyport/sallyport.hpp>

int main() {
  const std::string expected = std::to_string(SALLY_VERSION_MAJOR) + "." +
                               std::to_string(SALLY_VERSION_MINOR) + "." +
                               std::to_string(SALLY_VERSION_PATCH);
  if (sally::library_version() != expected) {
    std::cerr << "headers of " << expected << ", library of " << sally::library_version() << "\n";
    return 1;
  }
  std::cout << "C++ consumer: " << sally::library_version() << " with "
            << sally::library_tls_backend() << "\n";
}
