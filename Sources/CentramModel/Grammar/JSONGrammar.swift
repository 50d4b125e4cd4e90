/// Which texts a model may write: any JSON, or that which a schema describes.
///
/// Texts have no white space but at most one space after each `:` and `,`. Members come in the order of the schema's `properties`.
public struct JSONGrammar: Sendable {
  let grammar: ByteGrammar

  public static let longestSchema = 1_000_000

  /// - Parameter schema: JSON Schema, of the keywords in `supportedKeywords`.
  /// - Throws: `.schema`, naming the keyword that is not supported or the place that contradicts itself.
  public init(schema: [UInt8]) throws(GenerationError) {
    guard schema.count <= Self.longestSchema else {
      throw GenerationError(.schema, "the schema has \(schema.count) bytes: at most \(Self.longestSchema)")
    }
    let document: OrderedJSON
    do throws(OrderedJSON.Failure) { document = try OrderedJSON(parsing: schema, levels: 128) } catch {
      throw GenerationError(.schema, "the schema is not JSON: byte \(error.position): \(error.message)")
    }
    var compiler = SchemaCompiler(document)
    grammar = try compiler.compile()
  }

  /// Any JSON.
  public init() {
    var builder = GrammarBuilder()
    do throws(GenerationError) {
      let root = try builder.anyValue()
      grammar = try ByteGrammar(builder, root: root)
    } catch { preconditionFailure("JSON's own grammar is a grammar: \(error)") }
  }

  public static let supportedKeywords: [String] = SchemaCompiler.keywords.sorted()
}
