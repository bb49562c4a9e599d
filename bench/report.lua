-- What wrk prints at the end: one line that `wrk.py` reads.

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("rate=%.1f p50=%.3f p99=%.3f answers=%d errors=%d\n",
    summary.requests / (summary.duration / 1e6),
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, summary.requests,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
