"use strict";
(function () {
  function show(explorer, points) {
    var slider = explorer.querySelector("input");
    function move() {
      var point = points[Number(slider.value)];
      explorer.querySelectorAll("[data-out]").forEach(function (place) { place.textContent = point[place.dataset.out]; });
      explorer.querySelectorAll("[data-line]").forEach(function (line) {
        var ends = point.x[line.dataset.line];
        line.setAttribute("x1", ends[0]);
        line.setAttribute("x2", ends[2]);
      });
      explorer.querySelectorAll("[data-dot]").forEach(function (dot) { dot.setAttribute("cx", point.x[dot.dataset.dot][1]); });
      explorer.classList.toggle("interpolated", !point.refitted);
      slider.setAttribute("aria-valuetext", "prior centred at " + point.prior + ": posterior hazard ratio " + point.hr + ", " + point.how);
    }
    slider.addEventListener("input", move);
    move();
  }
  document.querySelectorAll("[data-explorer]").forEach(function (explorer) {
    show(explorer, JSON.parse(explorer.querySelector("script").textContent));
  });
  document.querySelectorAll("[data-copy]").forEach(function (button) {
    button.addEventListener("click", function () {
      var text = document.getElementById(button.dataset.copy).innerText;
      function done() { button.textContent = "Copied"; }
      function byHand() {
        var area = document.createElement("textarea");
        area.value = text;
        document.body.appendChild(area);
        area.select();
        if (document.execCommand("copy")) { done(); } else { button.textContent = "Select the text and copy it"; }
        area.remove();
      }
      if (navigator.clipboard) { navigator.clipboard.writeText(text).then(done, byHand); } else { byHand(); }
    });
  });
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (fold) { fold.open = true; });
  });
})();
