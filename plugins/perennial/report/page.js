(function () {
  var root = document.documentElement, buttons = document.querySelectorAll("[data-language]");
  function speak(language) {
    root.lang = language;
    document.title = root.getAttribute("data-" + language);
    buttons.forEach(function (b) { b.setAttribute("aria-pressed", String(b.dataset.language === language)); });
  }
  buttons.forEach(function (b) { b.addEventListener("click", function () { speak(b.dataset.language); }); });
  if (location.hash === "#zh") speak("zh");
})();
