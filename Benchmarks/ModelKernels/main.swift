// What the kernels of the local model reach, beside what this machine can.
//
//   centram-kernel-bench [THREADS]     default 2
//
// One row (decoding): each matrix is read from memory that no cache holds; GB/s, beside a plain sum over the same bytes. 256 rows (prefill): GFLOP/s, beside a loop
// that only multiplies and adds in registers. Best of many runs, because a busy machine makes any of them slow.

internal import CKernelPeak
internal import CModelKernels
internal import Foundation

let threads = Int32(CommandLine.arguments.dropFirst().first ?? "") ?? 2
guard let pool = mk_pool_create(threads) else {
  print("cannot start \(threads) threads")
  exit(1)
}
let formats: [(name: String, format: mk_format)] = [
  ("f32", MK_F32), ("bf16", MK_BF16), ("q8_0", MK_Q8_0), ("q4_0", MK_Q4_0), ("q4_1", MK_Q4_1), ("q5_0", MK_Q5_0), ("q4_K", MK_Q4_K), ("q6_K", MK_Q6_K),
]
/// Rows and columns of SmolLM2-135M, Qwen2.5-0.5B and a model of 3 billion parameters.
let shapes = [(576, 576), (1536, 576), (576, 1536), (896, 896), (4864, 896), (896, 4864), (2048, 11008)]

func seconds(_ work: () -> Void) -> Double {
  var start = timespec(), end = timespec()
  clock_gettime(CLOCK_MONOTONIC, &start)
  work()
  clock_gettime(CLOCK_MONOTONIC, &end)
  return Double(end.tv_sec - start.tv_sec) + 1e-9 * Double(end.tv_nsec - start.tv_nsec)
}

/// The least time of `work` over half a second of trying; `index` counts up.
func best(_ work: (_ index: Int) -> Void) -> Double {
  var least = Double.infinity, total = 0.0, index = 0
  while total < 0.5 || index < 5 {
    let time = seconds { work(index) }
    least = min(least, time)
    total += time
    index += 1
  }
  return least
}

func pad(_ text: String, _ width: Int) -> String { String(repeating: " ", count: max(0, width - text.count)) + text }
func number(_ value: Double) -> String { String(format: value < 10 ? "%.2f" : "%.1f", value) }

let memory = UnsafeMutableRawPointer.allocate(byteCount: 256 << 20, alignment: 4096)
// Small numbers in every format: scales of 2^-10 and the like.
memory.initializeMemory(as: UInt8.self, repeating: 0x11, count: 256 << 20)

let forkJoin = best { _ in for _ in 0..<1000 { mk_pool_run(pool, { _, _, _ in }, nil) } } / 1000
let peak = best { _ in mk_pool_run(pool, { _, _, _ in peak_multiply() }, nil) }
let read = best { _ in mk_pool_run(pool, { memory, thread, threads in peak_read(memory, 256 << 20, thread, threads) }, memory) }
let multiplications = Double(threads) * Double(PEAK_MULTIPLICATIONS)
print(
  "level \(mk_level()), \(threads) threads: a run of the pool \(number(forkJoin * 1e9)) ns, "
    + "\(number(multiplications * 2 / peak / 1e9)) GFLOP/s in registers, \(number(Double(256 << 20) / read / 1e9)) GB/s read")

for m in [1, 8, 256] {
  print("\n\(m) rows, \(m == 1 ? "GB/s of weights" : "GFLOP/s")")
  print(pad("rows x columns", 14) + formats.map { pad($0.name, 8) }.joined())
  for (n, k) in shapes {
    let x = [Float](repeating: 0.5, count: m * k)
    var y = [Float](repeating: 0, count: m * n)
    var line = pad("\(n) x \(k)", 14)
    for (_, format) in formats {
      let size = mk_row_bytes(format, k) * n
      guard size > 0 else {
        line += pad("-", 8)
        continue
      }
      let copies = (256 << 20) / size
      let time = best { mk_matmul(pool, format, memory + $0 % copies * size, n, k, x, k, m, nil, &y, n) }
      line += pad(number((m == 1 ? Double(size) : 2 * Double(n * k * m)) / time / 1e9), 8)
    }
    print(line)
  }
}

print("\nattention, 256 rows, GFLOP/s")
for (heads, shared, head) in [(9, 3, 64), (14, 2, 64), (16, 2, 128)] {
  let length = 256, width = heads * head, stride = shared * head
  let q = [Float](repeating: 0.1, count: length * width), keys = [Float](repeating: 0.1, count: length * stride)
  var out = [Float](repeating: 0, count: length * width)
  let time = best { _ in
    out.withUnsafeMutableBufferPointer { out in
      q.withUnsafeBufferPointer { q in
        keys.withUnsafeBufferPointer { keys in
          let rows = (0..<length).map {
            mk_attention_row(query: q.baseAddress! + $0 * width, out: out.baseAddress! + $0 * width, keys: keys.baseAddress!, values: keys.baseAddress!, length: $0 + 1)
          }
          mk_attention(pool, rows, length, heads, shared, head, stride)
        }
      }
    }
  }
  print(pad("\(heads)/\(shared) x \(head)", 14) + pad(number(Double(length * (length + 1) / 2 * width * 4) / time / 1e9), 8))
}
