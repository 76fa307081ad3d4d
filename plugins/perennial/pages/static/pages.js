// The language, remembered; the report's frame follows. Without this file the pages are in English and work.
(function () {
  var root = document.documentElement, KEY = "perennial.language";
  function kept() {
    try { return localStorage.getItem(KEY); } catch (refused) { return null; }
  }
  function chosen() {
    return kept() || ((navigator.language || "").indexOf("zh") === 0 ? "zh" : "en");
  }
  root.lang = chosen();
  function told(frame) {
    var report = frame && frame.contentDocument, bar = report && report.querySelector(".languages");
    if (!bar) return;
    bar.querySelector("[data-language=" + root.lang + "]").click();
    bar.style.display = "none"; // one switch is enough
  }
  document.addEventListener("DOMContentLoaded", function () {
    var buttons = document.querySelectorAll("[data-language]"), frame = document.getElementById("report");
    function speak(language) {
      root.lang = language;
      buttons.forEach(function (b) { b.setAttribute("aria-pressed", String(b.dataset.language === language)); });
      told(frame);
    }
    buttons.forEach(function (b) {
      b.addEventListener("click", function () {
        try { localStorage.setItem(KEY, b.dataset.language); } catch (refused) { /* then it is not remembered */ }
        speak(b.dataset.language);
      });
    });
    if (frame) frame.addEventListener("load", function () { told(frame); });
    speak(root.lang);
    var wait = document.body.dataset.reload;
    if (wait) setTimeout(function () { location.replace(location.pathname); }, wait * 1000);
  });
})();
