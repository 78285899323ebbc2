# A Homebrew formula. A release fills in url and sha256; `brew install --build-from-source graft.rb` tries it.
class Graft < Formula
  desc "Reads, converts, edits and verifies checkpoints of Gated DeltaNet hybrids"
  homepage "https://github.com/OWNER/graft"
  url "https://github.com/OWNER/graft/archive/refs/tags/0.2.0.tar.gz"
  sha256 "0000000000000000000000000000000000000000000000000000000000000000"
  license "Apache-2.0"
  head "https://github.com/OWNER/graft.git", branch: "main"

  depends_on "pkg-config" => :build
  depends_on xcode: ["26.0", :build]
  depends_on "json-c"
  uses_from_macos "zlib"

  def install
    system "make", "install", "PREFIX=#{prefix}"
    pkgshare.install "recipes"
  end

  test do
    assert_match "qwen3_5", shell_output("#{bin}/graft formats")
    assert_match "missing", shell_output("#{bin}/graft inspect #{testpath}/none 2>&1", 66)
  end
end
