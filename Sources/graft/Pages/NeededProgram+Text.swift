import Opening

extension NeededProgram {
  /// Whether the file is there, and what to do where it is not.
  var line: String {
    switch state {
    case .present: "\(name), which the M²RNN layers need in their library"
    case .missing:
      "\(name) is missing, without which the library loads no M²RNN layers; graft convert writes it"
    case .other:
      "\(name) is not the one that this version of Graft writes; graft convert writes that one"
    }
  }
}
