/// Lets tasks of the same key go one after the other, in the order in which they came.
actor Turns {
  /// Who waits, by key; a key without an entry is free.
  private var waiting: [String: [CheckedContinuation<Void, Never>]] = [:]

  func enter(_ key: String) async {
    guard waiting[key] != nil else {
      waiting[key] = []
      return
    }
    await withCheckedContinuation { waiting[key]?.append($0) }
  }

  func leave(_ key: String) {
    guard var tasks = waiting[key], !tasks.isEmpty else {
      waiting[key] = nil
      return
    }
    let next = tasks.removeFirst()
    waiting[key] = tasks
    next.resume()
  }
}
