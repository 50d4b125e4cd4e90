internal import CentramModel
internal import CentramPluginAPI
internal import Foundation

/// Masks from a safetensors file: tensors named `TENSOR|MODEL`, where MODEL is the last part of the model's path; 1 keeps.
struct MaskFile: MaskProvider {
  private let file: SafetensorsFile

  init(path: String) throws(MergeError) {
    do throws(ModelFileError) {
      file = try SafetensorsFile(path: path)
    } catch {
      throw MergeError(.input, error.message)
    }
    if let other = file.tensors.first(where: { $0.format.size != 1 }) {
      throw MergeError(.input, "\(path): the mask \(other.name) is \(other.format.rawValue); U8 or BOOL is needed")
    }
  }

  func fill(_ mask: UnsafeMutableBufferPointer<UInt8>, tensor: String, model: String, offset: Int) -> Bool {
    let short = (model as NSString).lastPathComponent
    guard let found = file.tensor("\(tensor)|\(model)") ?? file.tensor("\(tensor)|\(short)") else { return false }
    let bytes = file.bytes(of: found)
    guard offset >= 0, offset + mask.count <= bytes.count else { return false }
    _ = mask.update(fromContentsOf: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + mask.count]).bindMemory(to: UInt8.self))
    return true
  }
}
