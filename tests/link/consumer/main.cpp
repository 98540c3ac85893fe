// SPDX-License-Identifier: Apache-2.0
// Runs a network through the run-time API; exits with 0 where the output is right.
#if defined(CONSUMER_HAS_THREADS)
#include <mote/linux/thread_pool.hpp>
#endif
#include <mote/mote.hpp>

#if !defined(CONSUMER_MAIN)
#define CONSUMER_MAIN main
#endif
int CONSUMER_MAIN();

static constexpr auto kNet = mote::sequential(mote::input(2), mote::dense(1), mote::relu());
alignas(16) static constexpr float kParams[] = {2.0F, 3.0F, 0.5F};
alignas(16) static std::byte arena[4096];

int CONSUMER_MAIN() {
  const mote::Model model = kNet.model(reinterpret_cast<const std::byte*>(kParams));
  auto session = mote::Session::create(model, arena);
  if (!session.ok()) return 1;
  session->input<float>()[0] = 10.0F;
  session->input<float>()[1] = 1.0F;
#if defined(CONSUMER_HAS_THREADS)
  const mote::ThreadPool pool(2);
  session->set_threads(pool.threads());
#endif
  session->run();
  const float output = session->output<float>()[0];
  return output > 23.4F && output < 23.6F ? 0 : 2;
}
