import Canonical
import JSON
import Layouts

extension OpenedModel {
  /// What the config says of the model, which the stored rows of the vocabulary may contradict.
  package var statedConfiguration: ModelConfiguration {
    (try? layout.configuration(from: checkpoint.config ?? .null)) ?? configuration
  }
}
