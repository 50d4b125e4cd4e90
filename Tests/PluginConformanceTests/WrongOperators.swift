import CentramPluginAPI
import Foundation
import Synchronization

/// A fault that the suite of merge operators must find, and the check that finds it.
enum MergeMutation: String, CaseIterable, Sendable {
  case describesTwice, defaultsBeyondLimits, takesSettingsNowAndThen
  case refusesScalars, forgetsTheLastElement, writesTwice, writesToInputs, writesPastItsBlock, writesInReductions, readsWhatItDidNotAskFor
  case countsBlocks, countsThreads, variesByInstance, remembersTensors, sharesAGlobal
  case drawsWithoutSaying, ignoresTheSeed, ignoresTheTensor, readsTheName, ignoresMasks, asksForMasksElsewhere
  case shifts, leavesNaNOut, stopsAtFullDensity, runsWithoutWeight, runsWithoutBase, takesAnyNumber, swallowsErrors, goesOnAfterErrors

  var caughtBy: String {
    switch self {
    case .describesTwice, .defaultsBeyondLimits: "info"
    case .takesSettingsNowAndThen: "configuration"
    case .refusesScalars, .forgetsTheLastElement: "shapes"
    case .writesTwice: "exactly-once"
    case .writesToInputs: "inputs-unchanged"
    case .writesPastItsBlock, .writesInReductions: "inside-its-block"
    case .readsWhatItDidNotAskFor: "only-what-it-asked-for"
    case .countsBlocks: "block-size"
    case .countsThreads: "threads"
    case .variesByInstance: "repeatable"
    case .remembersTensors: "other-tensors"
    case .sharesAGlobal: "side-by-side"
    case .drawsWithoutSaying, .ignoresTheSeed: "seed"
    case .ignoresTheTensor, .readsTheName: "seed-by-tensor"
    case .ignoresMasks, .asksForMasksElsewhere: "masks"
    case .shifts: "identity"
    case .leavesNaNOut: "strange-numbers"
    case .stopsAtFullDensity: "parameters-at-their-limits"
    case .runsWithoutWeight: "missing-parameter"
    case .runsWithoutBase: "missing-base"
    case .takesAnyNumber: "number-of-inputs"
    case .swallowsErrors, .goesOnAfterErrors: "cancellation"
    }
  }
}

/// Counts what is made and merged at once, for mutants that depend on it.
final class WrongMemory: Sendable {
  let made = Atomic(0), merging = Atomic(0), merged = Atomic(0)
  private let names = Mutex<Set<String>>([])
  /// Tensors merged so far, this one included.
  func remember(_ name: String) -> Int {
    names.withLock { names in
      names.insert(name)
      return names.count
    }
  }
}

/// A sum of task vectors with entries left out at random; right in every respect but the mutation.
struct WrongOperator: TensorMerging {
  let mutation: MergeMutation?, memory: WrongMemory
  /// Of this instance alone.
  let own = WrongMemory()
  let number: Int

  init(_ mutation: MergeMutation?, _ memory: WrongMemory, configurationJSON: String) throws(PluginError) {
    (self.mutation, self.memory) = (mutation, memory)
    number = memory.made.add(1, ordering: .relaxed).newValue
    if mutation == .takesSettingsNowAndThen, configurationJSON != "{}", number % 2 == 0 { throw PluginError(.invalid, "not now") }
  }

  var info: MergeOperatorInfo {
    var parameters: [ParameterSpecification] = [
      .init("weight", .number, .perInput, required: true, "factor"), .init("density", .number, .perInput, default: .number(1), limits: 0...1, "share to keep"),
    ]
    if mutation == .describesTwice { parameters.append(parameters[1]) }
    if mutation == .defaultsBeyondLimits { parameters[1].defaultValue = .number(1.5) }
    let isDrawing = mutation != .drawsWithoutSaying && mutation != .readsTheName
    return MergeOperatorInfo(needs: isDrawing ? [.base, .seed] : [.base], inputs: 1...8, parameters: parameters)
  }

  func merge(_ request: MergeRequest) throws(PluginError) {
    let merging = memory.merging.add(1, ordering: .relaxed).newValue, known = own.remember(request.tensor)
    defer { memory.merging.subtract(1, ordering: .relaxed) }
    if mutation == .sharesAGlobal { usleep(500) }
    guard let base = request.baseIndex ?? (mutation == .runsWithoutBase ? 0 : nil) else { throw PluginError(.invalid, "no base") }
    guard (1...8).contains(request.others.count) || mutation == .takesAnyNumber else { throw PluginError(.invalid, "\(request.others.count) inputs; it takes 1 to 8") }
    if mutation == .refusesScalars, request.shape.isEmpty { throw PluginError(.unsupported, "no scalars") }
    var weights: [Double] = [], densities: [Double] = []
    for input in request.others {
      weights.append(mutation == .runsWithoutWeight ? try request.parameters.number("weight", input: input) ?? 1 : try request.parameters.requiredNumber("weight", input: input))
      densities.append(try request.parameters.requiredNumber("density", input: input))
    }
    if mutation == .stopsAtFullDensity, densities[0] == 0 { return }
    let share = mutation == .variesByInstance ? 1 + Double(number) * 1e-3 : 1
    let factors = weights.map { Float(share * $0 / max(1e-6, weights.reduce(0, +))) }
    var extra: Float = 0
    do throws(PluginError) {
      let energy = try request.reduce(inputs: [base]) {
        0.0
      } _: { sum, block in
        for index in 0..<block.count { sum += Double(block.inputs[base][index]) }
        if mutation == .readsWhatItDidNotAskFor, let other = request.others.first { sum += Double(block.inputs[other][0]) * 1e-30 }
        if mutation == .writesInReductions { block.output[0] = 3 }
      } combine: {
        $0 += $1
      }
      if mutation == .readsWhatItDidNotAskFor, energy.isNaN, !request.models.isEmpty { extra = .nan }
    } catch { if mutation != .goesOnAfterErrors { throw error } }
    switch mutation {
    case .remembersTensors: extra = Float(known == 1 ? 0 : 1) * 1e-3
    case .sharesAGlobal: extra = merging > 1 ? 1 : 0
    case .shifts: extra = 0.5
    default: break
    }
    let added = extra
    do throws(PluginError) {
      try write(request, base, factors, densities, added)
      if mutation == .writesTwice { try write(request, base, factors, densities, added) }
    } catch { if mutation != .swallowsErrors { throw error } }
  }

  private func write(_ request: MergeRequest, _ base: Int, _ factors: [Float], _ densities: [Double], _ extra: Float) throws(PluginError) {
    let first = Atomic(-1)
    try request.forEachBlock { block throws(PluginError) in
      _ = first.compareExchange(expected: -1, desired: block.offset, ordering: .relaxed)
      let masks = request.others.enumerated().map { slot, input in mask(request, input, densities[slot], block) }
      for index in 0..<block.count {
        if mutation == .forgetsTheLastElement, block.offset + index == request.count - 1, request.count > 1 { continue }
        let origin = block.inputs[base][index]
        if mutation == .leavesNaNOut, origin.isNaN { continue }
        var value = origin
        for (slot, input) in request.others.enumerated() where masks[slot][index] != 0 { value += factors[slot] * (block.inputs[input][index] - origin) }
        if mutation == .countsBlocks, index == 0, block.count != 61, block.count != 62, block.count > 1 { value += block.inputs[request.others[0]][0] - origin }
        block.output[index] = value + extra
      }
      if mutation == .countsThreads, first.load(ordering: .relaxed) > 0 { block.output[0] += block.inputs[request.others[0]][0] - block.inputs[base][0] }
      if mutation == .writesPastItsBlock { block.output[block.count] = 0.25 }
      if mutation == .writesToInputs { UnsafeMutablePointer(mutating: block.inputs[base])[0] += 0 * block.output[0] + 1e-3 }
    }
  }

  private func mask(_ request: MergeRequest, _ input: Int, _ density: Double, _ block: MergeBlock) -> [UInt8] {
    let room = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(1, block.count))
    room.initialize(repeating: 1)
    defer { room.deallocate() }
    let lent = UnsafeMutableBufferPointer(rebasing: room[..<block.count])
    if mutation != .ignoresMasks, density < 1, request.fillMask(lent, input: input, offset: mutation == .asksForMasksElsewhere ? block.offset + 1 : block.offset) {
      return Array(lent)
    }
    if density >= 1 || mutation == .drawsWithoutSaying && density >= 1 { return Array(lent) }
    let seed = mutation == .ignoresTheSeed || mutation == .readsTheName ? 0 : request.seed
    let name = mutation == .ignoresTheTensor || mutation == .drawsWithoutSaying ? 0 : request.tensor.utf8.reduce(UInt64(5)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    return (0..<block.count).map { index in
      var state = (seed &* 0x9e37_79b9_7f4a_7c15) ^ name ^ UInt64(block.offset + index) &* 0xbf58_476d_1ce4_e5b9 ^ UInt64(input) << 56
      state = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
      state = (state ^ (state >> 27)) &* 0x94d0_49bb_1331_11eb
      return Double((state ^ (state >> 31)) >> 11) * 0x1p-53 < density ? 1 : 0
    }
  }
}
