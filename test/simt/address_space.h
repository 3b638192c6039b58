// The addresses of device memory: a large range that nobody can access but while kernels and copies run, or,
// for the sanitizers, the memory of malloc().
#pragma once
#include <cstddef>
#include <map>

#include "simt/sanitizers.h"

namespace simt {

class AddressSpace {
 public:
  explicit AddressSpace(size_t bytes);

  // 256-byte aligned; null where there is no room.
  char* take(size_t bytes);
  void give_back(char* memory);

  // What is taken can be accessed from the first open() to the last close().
  void open();
  void close();

  // The bytes from the start of the range, or -1 where p lies outside of it.
  ptrdiff_t offset_of(const void* p) const;

 private:
  size_t whole_pages(size_t bytes) const { return (bytes + page_ - 1) / page_ * page_; }
  void protect(int access);

  size_t page_;
  char* base_ = nullptr;
  size_t bytes_ = 0;
  std::map<char*, size_t> taken_;  // with their length in whole pages
  int openings_ = 0;
};

AddressSpace& address_space();

}  // namespace simt
