internal import CHostSystem
internal import Glibc

/// A library's bytes in sealed memory: what is hashed is what is loaded, whatever happens to the file meanwhile.
final class SealedLibrary: @unchecked Sendable {  // the mapping is read-only, and the kernel holds it to that
  let name: String
  let bytes: UnsafeRawBufferPointer
  let descriptor: Int32
  private var isLoaded = false

  /// Copies a file and seals the copy.
  init(path: String, isOwn: Bool) throws(HostError) {
    let file = try OpenFile(path, limit: PluginManifest.librarySizeLimit, isOwn: isOwn)
    name = path.lastPathComponent
    descriptor = centram_memfd(name)
    guard descriptor >= 0 else { throw HostError(.inputOutput, "no memory file for \(name): \(systemError())") }
    do throws(HostError) {
      try file.forEachChunk { [descriptor] (chunk) throws(HostError) in
        var rest = chunk
        while !rest.isEmpty {
          let count = write(descriptor, rest.baseAddress, rest.count)
          guard count > 0 else { throw HostError(.inputOutput, "a memory file for \(path): \(systemError())") }
          rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
      }
      let size = Int(lseek(descriptor, 0, SEEK_END))
      guard size > 0, centram_seal(descriptor) == 0, let start = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else {
        throw HostError(.elf, size == 0 ? "the library cannot be read: it is empty" : "a memory file for \(path): \(systemError())")
      }
      bytes = UnsafeRawBufferPointer(start: start, count: size)
    } catch {
      close(descriptor)
      throw error
    }
  }

  /// Hands the sealed bytes to the system's loader, for good: a Swift library cannot be unloaded.
  func load() throws(HostError) -> UnsafeMutableRawPointer {
    let path = "/proc/self/fd/\(descriptor)"
    guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) else {
      let message = dlerror().map { String(cString: $0) } ?? "no reason given"
      throw HostError(.load, "the system's loader refuses it: \(message.replacing(path, with: name))")
    }
    isLoaded = true
    return handle
  }

  deinit {
    munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
    // The loader knows libraries by their path: a second one at the same descriptor would be taken for the first.
    if !isLoaded { close(descriptor) }
  }
}
