import Foundation

/// The worked example of `formats/README.md`: a layout that is not part of the build.
public enum LayoutExample {
  /// The text of the specification.
  public static let specification =
    (try? String(
      contentsOfFile: Fixtures.directory.removingLastComponent().appending("formats/README.md")
        .string, encoding: .utf8)) ?? ""

  /// The text of the layout file.
  public static let text: String = {
    let behind = specification.components(separatedBy: "### Worked example").last ?? ""
    let block = behind.components(separatedBy: "```json\n").dropFirst().first ?? ""
    return block.components(separatedBy: "```")[0]
  }()

  /// The file with some of its text replaced.
  public static func text(replacing old: String, with new: String) -> [UInt8] {
    Array(text.replacing(old, with: new).utf8)
  }
}
