import CModelKernels
import CentramModel
import Testing

/// The product of matrices against its definition, bit for bit: one chain of fma over k, then bias, then what is added.
@Suite struct KernelTests {
  struct Shape: CustomStringConvertible {
    let m, n, k: Int, a: Bool, b: Bool, accumulate: Bool, ends: Bool
    var description: String { "\(m)×\(n)×\(k) a\(a ? "ᵀ" : "") b\(b ? "ᵀ" : "") \(accumulate ? "+" : "") \(ends ? "bias, add" : "")" }
  }

  static let shapes: [Shape] = {
    var (random, shapes) = (Random(11), [Shape]())
    for index in 0..<40 {
      let big = index % 8 == 7
      shapes.append(
        Shape(
          m: 1 + random.below(big ? 120 : 20), n: 1 + random.below(big ? 300 : 40), k: 1 + random.below(big ? 300 : 40), a: random.below(2) == 0,
          b: random.below(2) == 0, accumulate: random.below(2) == 0, ends: random.below(2) == 0))
    }
    return shapes
  }()

  /// Elements of a product, and what they should be: all, or some of many.
  private func multiply(_ shape: Shape, _ context: OpaquePointer, _ format: mk_format = MK_F32) -> (found: [UInt32], right: [UInt32]) {
    var random = Random(7)
    let (m, n, k) = (shape.m, shape.n, shape.k)
    func floats(_ count: Int) -> [Float] { (0..<count).map { _ in random.next() } }
    let (a, bias, add, start) = (floats(m * k), floats(n), floats(m * n), floats(m * n))
    var b = floats(n * k)
    let (rows, columns) = shape.b ? (n, k) : (k, n)
    let rowBytes = mk_row_bytes(format, columns)
    var bytes = [UInt8](repeating: 0, count: rows * rowBytes + 1)
    var c = start
    // One byte off, as in a mapped file.
    bytes.withUnsafeMutableBytes { raw in
      for row in 0..<rows {
        b.withUnsafeMutableBufferPointer {
          _ = mk_quantize(format, $0.baseAddress! + row * columns, raw.baseAddress! + 1 + row * rowBytes, columns)
          mk_dequantize(format, raw.baseAddress! + 1 + row * rowBytes, $0.baseAddress! + row * columns, columns)
        }
      }
      a.withUnsafeBufferPointer { a in
        bias.withUnsafeBufferPointer { bias in
          add.withUnsafeBufferPointer { add in
            c.withUnsafeMutableBufferPointer { c in
              var product = mt_gemm()
              (product.m, product.n, product.k) = (m, n, k)
              (product.a, product.lda, product.a_transposed) = (a.baseAddress, shape.a ? m : k, shape.a ? 1 : 0)
              (product.b_format, product.b, product.b_row_bytes, product.b_transposed) = (format, UnsafeRawPointer(raw.baseAddress! + 1), rowBytes, shape.b ? 1 : 0)
              (product.c, product.ldc, product.accumulate) = (c.baseAddress, n, shape.accumulate ? 1 : 0)
              if shape.ends { (product.bias, product.add, product.ldadd) = (bias.baseAddress, add.baseAddress, n) }
              mt_multiply(context, &product)
            }
          }
        }
      }
    }
    var (found, right) = ([UInt32](), [UInt32]())
    for place in stride(from: 0, to: m * n, by: 1 + m * n * k / 20_000) {
      let (i, j) = (place / n, place % n)
      var (sum, p) = (shape.accumulate ? start[place] : 0, 0)
      while p < k {
        sum.addProduct(shape.a ? a[p * m + i] : a[i * k + p], shape.b ? b[j * k + p] : b[p * n + j])
        p += 1
      }
      if shape.ends { sum = sum + bias[j] + add[place] }
      found.append(c[place].bitPattern)
      right.append(sum.bitPattern)
    }
    return (found, right)
  }

  @Test(arguments: [1, 3]) func productsAreChains(threads: Int32) throws {
    let pool = mk_pool_create(threads)
    let context = try #require(mt_context_create(pool))
    for shape in Self.shapes {
      let (found, right) = multiply(shape, context)
      #expect(found == right, "\(shape)")
    }
    mt_context_destroy(context)
    mk_pool_destroy(pool)
  }

  @Test(arguments: [WeightFormat.bf16, .f16, .q8_0, .q4_0, .q4_1, .q5_0]) func weightsInTheirFormats(format: WeightFormat) throws {
    let context = try #require(mt_context_create(nil))
    for b in [false, true] {
      for (m, n, k) in [(5, 32, 64), (9, 288, 32), (7, 64, 288)] {
        let (found, right) = multiply(Shape(m: m, n: n, k: k, a: false, b: b, accumulate: false, ends: false), context, mk_format(rawValue: format.rawValue))
        #expect(found == right, "\(m)×\(n)×\(k) \(b)")
      }
    }
    mt_context_destroy(context)
  }
}
