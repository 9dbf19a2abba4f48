// Turns the fields of a device about in 3D (WebGL 2, parallel projection): choice of field and regions, value under the pointer.
// The picture that stands in its place is taken away only once everything has been drawn; without WebGL 2 it stays.
(() => {
  const VERTEX = `#version 300 es
    in vec3 place; in float value; out float v;
    uniform vec3 low, size, centre, right, up, eye; uniform vec2 mirror, scale; uniform float deep, nearer;
    void main() {
      vec3 p = (low + size * place) * vec3(mirror, 1.0) - centre;
      gl_Position = vec4(dot(p, right) * scale.x, dot(p, up) * scale.y, -dot(p, eye) / deep - nearer, 1.0);
      v = value;
    }`;
  const FRAGMENT = `#version 300 es
    precision highp float;
    in float v; out vec4 colour;
    uniform sampler2D colours; uniform int mode; uniform float region;
    void main() {
      float n = floor(v * 65535.0 + 0.5);
      if (mode == 1) colour = vec4(1.0, 1.0, 1.0, 1.0) * 0.55;                       // edges: half-transparent white
      else if (mode == 2) colour = vec4(floor(n / 256.0), mod(n, 256.0), region, 255.0) / 255.0;  // to be read back
      else {                                                                          // with lines of equal value, twenty in all
        float level = v * 20.0, change = fwidth(level);
        float line = change < 1e-4 || level < 0.5 ? 9.0 : abs(fract(level - 0.5) - 0.5) / change;
        vec3 paint = texture(colours, vec2((v * 255.0 + 0.5) / 256.0, 0.5)).rgb;
        colour = vec4(mix(mix(paint, vec3(step(dot(paint, vec3(0.3, 0.6, 0.1)), 0.5)), 0.35), paint, smoothstep(0.3, 1.2, line)), 1.0);
      }
    }`;
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const words = (text) => new Uint16Array(bytes(text).buffer);
  const element = (parent, tag, text = "", name = "") => {
    const made = parent.appendChild(document.createElement(tag));
    made.textContent = text;
    made.className = name;
    return made;
  };
  const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

  function start(view) {
    const data = JSON.parse(view.querySelector("script").textContent);
    const stage = document.createElement("div"), controls = element(stage, "div", "", "controls");
    const box = element(stage, "div", "", "stage"), frame = element(box, "div", "", "canvas");
    const canvas = element(frame, "canvas");
    const gl = canvas.getContext("webgl2", { antialias: true, preserveDrawingBuffer: true });
    if (!gl) throw new Error("this browser has no WebGL 2");

    // Program and buffers
    const program = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program) || "no program");
    gl.useProgram(program);
    const at = (name) => gl.getUniformLocation(program, name);
    const [PLACE, VALUE] = ["place", "value"].map((name) => gl.getAttribLocation(program, name));
    const buffer = (array, target = gl.ARRAY_BUFFER) => {
      const made = gl.createBuffer();
      gl.bindBuffer(target, made);
      gl.bufferData(target, array, gl.STATIC_DRAW);
      return made;
    };
    const attribute = (index, made, width) => {
      gl.bindBuffer(gl.ARRAY_BUFFER, made);
      gl.enableVertexAttribArray(index);
      gl.vertexAttribPointer(index, width, gl.UNSIGNED_SHORT, true, 0, 0);
    };
    const parts = data.parts.map((part) => {
      const faces = gl.createVertexArray(), lines = gl.createVertexArray();
      const triangles = new Uint32Array(bytes(part.triangles).buffer), edges = words(part.edges);
      gl.bindVertexArray(lines);
      attribute(PLACE, buffer(edges), 3);
      gl.bindVertexArray(faces);
      attribute(PLACE, buffer(words(part.points)), 3);
      buffer(triangles, gl.ELEMENT_ARRAY_BUFFER);
      const values = Object.fromEntries(Object.entries(part.values).map(([name, text]) => [name, buffer(words(text))]));
      return { name: part.name, faces, lines, values, count: triangles.length, ends: edges.length / 3, shown: true };
    });
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.enable(gl.DEPTH_TEST);

    // Camera
    const [low, high] = [0, 1].map((end) => data.box.map((side) => side[end]));
    const size = low.map((l, i) => high[i] - l), middle = low.map((l, i) => l + size[i] / 2), diagonal = Math.hypot(...size);
    const eye = { turn: -45, tilt: 35.26, half: 1, centre: middle };
    const axes = () => {
      const [a, e] = [eye.turn, eye.tilt].map((degrees) => (degrees * Math.PI) / 180);
      const [c, s, C, S] = [Math.cos(a), Math.sin(a), Math.cos(e), Math.sin(e)];
      return { right: [-s, c, 0], up: [-S * c, -S * s, C], towards: [C * c, C * s, S] };
    };
    const whole = () => {
      const { right, up } = axes(), spread = (axis) => axis.reduce((sum, x, i) => sum + (Math.abs(x) * size[i]) / 2, 0);
      Object.assign(eye, { centre: middle, half: 1.08 * Math.max(spread(up), (spread(right) * canvas.height) / canvas.width) });
    };
    let field = "T" in data.fields ? "T" : Object.keys(data.fields)[0], target = null;

    // Drawing
    function render(mode) {
      const { right, up, towards } = axes(), aspect = canvas.width / canvas.height;
      gl.uniform3fv(at("low"), low); gl.uniform3fv(at("size"), size); gl.uniform3fv(at("centre"), eye.centre);
      gl.uniform3fv(at("right"), right); gl.uniform3fv(at("up"), up); gl.uniform3fv(at("eye"), towards);
      gl.uniform2f(at("scale"), 1 / (eye.half * aspect), 1 / eye.half);
      gl.uniform1f(at("deep"), 2 * diagonal);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
      parts.forEach((part, number) => {
        if (!part.shown) return;
        gl.uniform1i(at("mode"), mode); gl.uniform1f(at("region"), number + 1); gl.uniform1f(at("nearer"), 0);
        gl.bindVertexArray(part.faces);
        for (const mirror of data.mirrors) {
          gl.uniform2fv(at("mirror"), mirror);
          gl.drawElements(gl.TRIANGLES, part.count, gl.UNSIGNED_INT, 0);
        }
        if (mode === 2) return;
        gl.uniform1i(at("mode"), 1); gl.uniform1f(at("nearer"), 0.0004); gl.uniform2f(at("mirror"), 1, 1);
        gl.bindVertexArray(part.lines);
        gl.drawArrays(gl.LINES, 0, part.ends);
      });
    }
    function draw() {
      const scale = Math.min(window.devicePixelRatio || 1, 2);
      const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((n) => Math.max(1, Math.round(n * scale)));
      if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
      if (eye.unset) { whole(); eye.unset = false; }
      gl.viewport(0, 0, width, height);
      render(0);
      const nm = (0.3 * 2 * eye.half * canvas.clientWidth) / canvas.clientHeight, ten = 10 ** Math.floor(Math.log10(nm));
      const length = [5, 2, 1].find((f) => f * ten <= nm) * ten;
      ruler.style.width = `${(length * canvas.clientHeight) / (2 * eye.half)}px`;
      ruler.textContent = `${length} nm`;
    }
    function valueAt(x, y) {  // draws the one pixel that is asked for into a picture of its own
      if (!target) {
        target = gl.createFramebuffer();
        gl.bindFramebuffer(gl.FRAMEBUFFER, target);
        [[gl.RGBA8, gl.COLOR_ATTACHMENT0], [gl.DEPTH_COMPONENT24, gl.DEPTH_ATTACHMENT]].forEach(([kind, place]) => {
          gl.bindRenderbuffer(gl.RENDERBUFFER, gl.createRenderbuffer());
          gl.renderbufferStorage(gl.RENDERBUFFER, kind, 1, 1);
          gl.framebufferRenderbuffer(gl.FRAMEBUFFER, place, gl.RENDERBUFFER, gl.getParameter(gl.RENDERBUFFER_BINDING));
        });
      }
      const pixel = new Uint8Array(4), zoom = canvas.width / canvas.clientWidth;
      gl.bindFramebuffer(gl.FRAMEBUFFER, target);
      gl.viewport(-Math.floor(x * zoom), -Math.floor(canvas.height - y * zoom), canvas.width, canvas.height);
      render(2);
      gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
      gl.bindFramebuffer(gl.FRAMEBUFFER, null);
      if (!pixel[2]) return "";
      const f = data.fields[field], share = (256 * pixel[0] + pixel[1]) / 65535;
      const value = f.log ? f.low * (f.high / f.low) ** share : f.low + share * (f.high - f.low);
      const [symbol, unit] = f.label.split(" [");
      return `${parts[pixel[2] - 1].name.replace("_", " ")}: ${symbol} = ${Number(value.toPrecision(4)).toString()} ${unit.replace("]", "")}`;
    }

    // Controls
    const bar = element(box, "div", "", "bar"), label = element(bar, "span"), colours = element(bar, "div", "", "colours");
    const ticks = element(bar, "div", "", "ticks"), ruler = element(frame, "div", "", "ruler");
    const under = element(frame, "output", "", "under");
    under.hidden = true;
    const group = (name) => {
      const made = element(controls, "div", "", "group");
      element(made, "span", name);
      return made;
    };
    const [fields, views, regions] = ["Field", "View", "Show"].map(group);
    const buttons = Object.entries(data.fields).map(([name, f]) => {
      const button = element(fields, "button", f.title);
      button.type = "button";
      button.addEventListener("click", () => { choose(name); draw(); });
      return [name, button];
    });
    function choose(name) {
      field = name;
      const f = data.fields[name], map = bytes(f.colours);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGB, 256, 1, 0, gl.RGB, gl.UNSIGNED_BYTE, map);
      for (const part of parts) { gl.bindVertexArray(part.faces); attribute(VALUE, part.values[name], 1); }
      buttons.forEach(([key, button]) => button.setAttribute("aria-pressed", String(key === name)));
      const stops = Array.from({ length: 17 }, (_, k) => Math.round((k * 255) / 16) * 3);
      colours.style.background = `linear-gradient(to right, ${stops.map((k) => `rgb(${map[k]} ${map[k + 1]} ${map[k + 2]})`)})`;
      label.textContent = f.label;
      ticks.replaceChildren();
      for (const [place, text] of f.ticks) element(ticks, "span", text).style.left = `${100 * place}%`;
      canvas.setAttribute("aria-label", `${f.title} on the device in 3D, a quadrant cut away. Arrow keys turn it, + and - zoom.`);
    }
    for (const [name, set] of [["Device", whole], ["Filament", () => Object.assign(eye, { centre: data.focus.slice(0, 3), half: data.focus[3] })]]) {
      if (name === "Filament" && !data.focus) continue;
      const button = element(views, "button", name);
      button.type = "button";
      button.addEventListener("click", () => { Object.assign(eye, { turn: -45, tilt: 35.26 }); set(); draw(); });
    }
    for (const part of parts) {
      const choice = element(regions, "label"), tick = choice.appendChild(document.createElement("input"));
      tick.type = "checkbox";
      tick.checked = true;
      choice.append(part.name.replace("_", " "));
      tick.addEventListener("change", () => { part.shown = tick.checked; draw(); });
    }

    // Mouse, touch and keys: one pointer turns, two move and zoom; the wheel zooms once the picture has been clicked
    const turn = (dx, dy) => { eye.turn -= dx; eye.tilt = Math.max(-90, Math.min(90, eye.tilt + dy)); };
    const zoom = (factor) => { eye.half = Math.max(0.002 * diagonal, Math.min(2 * diagonal, eye.half * factor)); };
    const move = (dx, dy) => {
      const { right, up } = axes(), nm = (2 * eye.half) / canvas.clientHeight;
      eye.centre = eye.centre.map((c, i) => c - dx * nm * right[i] + dy * nm * up[i]);
    };
    const down = new Map();
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "img");
    canvas.addEventListener("pointerdown", (event) => {
      down.set(event.pointerId, [event.clientX, event.clientY]);
      canvas.setPointerCapture(event.pointerId);
      under.hidden = true;
    });
    canvas.addEventListener("pointermove", (event) => {
      const here = [event.clientX, event.clientY], before = down.get(event.pointerId);
      if (!before) {
        const { left, top } = canvas.getBoundingClientRect();
        under.textContent = valueAt(here[0] - left, here[1] - top);
        under.hidden = !under.textContent;
        return;
      }
      const [dx, dy] = [here[0] - before[0], here[1] - before[1]];
      const other = [...down].find(([id]) => id !== event.pointerId)?.[1];
      if (other) {
        const gap = (p) => Math.max(1, Math.hypot(p[0] - other[0], p[1] - other[1]));
        zoom(gap(before) / gap(here));
        move(dx / 2, dy / 2);
      } else if (event.shiftKey || event.buttons & 2) move(dx, dy);
      else turn(0.5 * dx, 0.5 * dy);
      down.set(event.pointerId, here);
      draw();
    });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (event) => down.delete(event.pointerId));
    canvas.addEventListener("pointerleave", () => { under.hidden = true; });
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("wheel", (event) => {
      if (document.activeElement !== canvas && !event.ctrlKey) return;
      event.preventDefault();
      zoom(Math.exp(event.deltaY * 0.0015));
      draw();
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => {
      const keys = { ArrowLeft: () => turn(-5, 0), ArrowRight: () => turn(5, 0), ArrowUp: () => turn(0, -5), ArrowDown: () => turn(0, 5) };
      const act = { ...keys, "+": () => zoom(0.8), "-": () => zoom(1.25), 0: whole }[event.key];
      if (act) { event.preventDefault(); act(); draw(); }
    });

    eye.unset = true;
    choose(field);
    view.querySelector(".standing").before(stage);
    draw();
    if (gl.getError()) { stage.remove(); throw new Error("WebGL could not draw it"); }
    view.querySelector(".standing").hidden = true;
    new ResizeObserver(draw).observe(canvas);
  }

  for (const view of document.querySelectorAll(".field-view")) {
    try { start(view); } catch (error) { view.querySelector(".why").textContent = `No 3D here (${error.message}): the picture stands instead.`; }
  }
})();
