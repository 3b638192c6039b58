// Objects that hosts hold by handle, so that a handle that no longer exists, or never did, is found out.
#pragma once
#include <set>
#include <string>

#include "simt/fault.h"
#include "simt/types.h"

namespace simt {

template <class Object>
class Handles {
 public:
  explicit Handles(const char* what) : what_(what) {}

  Object* add(Object object) { return *objects_.insert(new Object(std::move(object))).first; }
  void remove(Object* handle) {
    objects_.erase(check(handle));
    delete handle;
  }
  // The handle itself; fails where there is no such object.
  Object* check(Object* handle) const {
    if (!objects_.contains(handle))
      fail("a host has used " + std::string(what_) + " that does not exist, or no longer");
    return handle;
  }
  const std::set<Object*>& all() const { return objects_; }

 private:
  const char* what_;
  std::set<Object*> objects_;
};

Handles<CUstream_st>& streams();

}  // namespace simt
