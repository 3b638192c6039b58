#include "binding/task.h"

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <new>
#include <set>
#include <unordered_map>
#include <utility>

namespace skipscan::binding {
namespace {

// What both threads know of a task.
struct Call {
  enum class State { waiting, running, done, dropped };

  Task::Work work;
  Status status;
  int32_t* cancel = nullptr;
  State state = State::waiting;  // guarded by the mutex of its Tasks
};

// What the JavaScript thread alone knows of it, and what must be destroyed there.
struct Pending {
  std::shared_ptr<Call> call;
  Napi::Promise::Deferred deferred;
  KeepAlive keep;
  Task::Result result;
};

// All tasks of an environment. On the JavaScript thread, unless a function says otherwise.
class Tasks : public std::enable_shared_from_this<Tasks> {
 public:
  // Of this environment; made when it is first asked for.
  static Tasks& of(Napi::Env env);

  explicit Tasks(Napi::Env env) : env_(env) {}
  ~Tasks();
  void open();

  Napi::Value start(Lane& lane, KeepAlive keep, Task::Work work, Task::Result result, int32_t* cancel);

  // Begins nothing any more and waits for what runs, which is cancelled where that is possible. From any thread.
  void stop();

 private:
  using Entries = std::unordered_map<Call*, Pending>;
  using Entry = Entries::node_type;

  void work_on(Call& call);  // on a lane's thread
  Entry forget(Call& call);
  void settle_done();
  Call* next_done();  // or null
  void settle(Pending& pending);
  void end();

  const Napi::Env env_;
  napi_threadsafe_function doorbell_ = nullptr;

  std::mutex mutex_;
  std::condition_variable changed_;
  Entries pending_;
  std::vector<Call*> done_;
  bool stopped_ = false;
};

// Those of all environments, for the end of the process.
struct Everyone {
  std::mutex mutex;
  std::set<Tasks*> tasks;

  static Everyone& instance() {
    static auto* everyone = new Everyone;
    return *everyone;
  }

  // process.exit() ends environments without a word to addons, while their work may run on: it would find the statics of
  // libraries destroyed.
  static void stop() {
    std::lock_guard lock(instance().mutex);
    for (Tasks* tasks : instance().tasks) tasks->stop();
  }
};

void check(Napi::Env env, napi_status status) {
  if (status != napi_ok) throw Napi::Error::New(env);
}

Tasks& Tasks::of(Napi::Env env) {
  using Shared = std::shared_ptr<Tasks>;
  Shared* tasks = env.GetInstanceData<Shared>();
  if (!tasks) {
    auto made = std::make_unique<Shared>(std::make_shared<Tasks>(env));
    (*made)->open();
    tasks = made.release();
    env.SetInstanceData(tasks);
  }
  return **tasks;
}

void Tasks::open() {
  static const bool at_exit = std::atexit(Everyone::stop) == 0;
  static_cast<void>(at_exit);
  {
    std::lock_guard lock(Everyone::instance().mutex);
    Everyone::instance().tasks.insert(this);
  }
  const auto ring = [](napi_env env, napi_value, void* tasks, void*) {
    if (env) static_cast<Tasks*>(tasks)->settle_done();
  };
  check(env_, napi_create_threadsafe_function(env_, nullptr, nullptr, Napi::String::New(env_, "skipscan"), 0, 1,
                                              nullptr, nullptr, this, ring, &doorbell_));
  check(env_, napi_unref_threadsafe_function(env_, doorbell_));
  // After the function, as hooks run in reverse: nobody may ring once it is gone.
  check(env_, napi_add_env_cleanup_hook(
                  env_, [](void* tasks) { static_cast<Tasks*>(tasks)->end(); }, this));
}

Tasks::~Tasks() {
  std::lock_guard lock(Everyone::instance().mutex);
  Everyone::instance().tasks.erase(this);
}

Napi::Value Tasks::start(Lane& lane, KeepAlive keep, Task::Work work, Task::Result result, int32_t* cancel) {
  const auto call = std::make_shared<Call>();
  call->work = std::move(work);
  call->cancel = cancel;
  const auto deferred = Napi::Promise::Deferred::New(env_);
  bool first;
  {
    std::lock_guard lock(mutex_);
    first = pending_.empty();
    done_.reserve(pending_.size() + 1);  // so that nothing has to be allocated when a call is done
    pending_.emplace(call.get(), Pending{call, deferred, std::move(keep), std::move(result)});
  }
  if (first) check(env_, napi_ref_threadsafe_function(env_, doorbell_));
  Status posted = guarded([&] {
    lane.post([self = shared_from_this(), call] { self->work_on(*call); });
    return Status{};
  });
  if (posted.ok()) return deferred.Promise();
  forget(*call);
  throw to_error(env_, posted);
}

void Tasks::work_on(Call& call) {
  {
    std::lock_guard lock(mutex_);
    if (call.state == Call::State::dropped) return;
    call.state = Call::State::running;
  }
  Status status = guarded(call.work);
  call.work = nullptr;  // may be the last that holds a model
  std::lock_guard lock(mutex_);
  call.status = std::move(status);
  call.state = Call::State::done;
  changed_.notify_all();
  if (stopped_) return;
  done_.push_back(&call);
  napi_call_threadsafe_function(doorbell_, nullptr, napi_tsfn_nonblocking);
}

// The process may end where nothing is pending any more.
Tasks::Entry Tasks::forget(Call& call) {
  std::lock_guard lock(mutex_);
  Entry entry = pending_.extract(&call);
  if (pending_.empty()) napi_unref_threadsafe_function(env_, doorbell_);
  return entry;
}

void Tasks::settle_done() {
  while (Call* call = next_done()) {
    Entry entry = forget(*call);
    // A worker thread may be terminated while its call runs: then nothing of its JavaScript can be reached any more, every
    // attempt throws, and there is nobody left to tell.
    try {
      settle(entry.mapped());
    } catch (const Napi::Error&) {
    }
  }
}

Call* Tasks::next_done() {
  std::lock_guard lock(mutex_);
  if (done_.empty()) return nullptr;
  Call* const first = done_.front();
  done_.erase(done_.begin());
  return first;
}

void Tasks::settle(Pending& pending) {
  Napi::HandleScope scope(env_);
  Status& status = pending.call->status;
  Napi::Value value;
  try {
    if (status.ok()) {
      status = guarded([&] {
        value = pending.result(env_);
        return Status{};
      });
    }
  } catch (const Napi::Error& error) {
    return pending.deferred.Reject(error.Value());
  }
  if (!status.ok()) return pending.deferred.Reject(to_error(env_, status).Value());
  pending.deferred.Resolve(value);
}

void Tasks::stop() {
  std::unique_lock lock(mutex_);
  stopped_ = true;
  for (auto& [call, pending] : pending_) {
    if (call->state == Call::State::waiting) call->state = Call::State::dropped;
    if (call->state == Call::State::running && call->cancel) *call->cancel = 1;
  }
  changed_.wait(lock, [&] {
    return std::none_of(pending_.begin(), pending_.end(),
                        [](const auto& entry) { return entry.first->state == Call::State::running; });
  });
}

void Tasks::end() {
  stop();
  pending_.clear();
  napi_release_threadsafe_function(doorbell_, napi_tsfn_abort);
}

}  // namespace

Napi::Value Task::start(Napi::Env env, Lane& lane, KeepAlive keep, Work work, Result result, int32_t* cancel) {
  return Tasks::of(env).start(lane, std::move(keep), std::move(work), std::move(result), cancel);
}

}  // namespace skipscan::binding
