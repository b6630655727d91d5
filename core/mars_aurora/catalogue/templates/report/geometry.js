// Mars in perspective on the 640 x 480 picture, as in mars_aurora.geometry.canvas.
const rad = Math.PI / 180;
const toVector = (lat, lon) => [Math.cos(lat * rad) * Math.cos(lon * rad), Math.cos(lat * rad) * Math.sin(lon * rad), Math.sin(lat * rad)];
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

// Return a function of latitude and longitude on the surface: x and y in the picture, or null behind the limb.
function seenFrom([lat, lon, altitude]) {
  const { x, y, radius, km } = data.disk, distance = km + altitude, limb = km / Math.sqrt(distance ** 2 - km ** 2);
  const up = toVector(lat, lon), east = [-Math.sin(lon * rad), Math.cos(lon * rad), 0];
  const north = [up[1] * east[2] - up[2] * east[1], up[2] * east[0] - up[0] * east[2], up[0] * east[1] - up[1] * east[0]];
  return (pointLat, pointLon) => {
    const point = toVector(pointLat, pointLon), height = dot(point, up);
    if (height * distance <= km) return null;
    const scale = radius / ((distance - km * height) * limb);
    return [x + km * dot(point, east) * scale, y - km * dot(point, north) * scale];
  };
}

// Return the points (latitude, longitude) at an angle from a place, every 2 degrees.
function circleAround(lat, lon, angle) {
  const up = toVector(lat, lon), east = [-Math.sin(lon * rad), Math.cos(lon * rad), 0];
  const north = [up[1] * east[2] - up[2] * east[1], up[2] * east[0] - up[0] * east[2], up[0] * east[1] - up[1] * east[0]];
  return Array.from({ length: 181 }, (_, step) => {
    const turn = 2 * step * rad, [c, s] = [Math.cos(angle * rad), Math.sin(angle * rad)];
    const point = up.map((value, axis) => c * value + s * (Math.cos(turn) * east[axis] + Math.sin(turn) * north[axis]));
    return [Math.asin(point[2]) / rad, Math.atan2(point[1], point[0]) / rad];
  });
}

// Return the `d` of a path through points, with a gap wherever `project` returns null.
function toPath(points, project) {
  let down = false;
  return points.map(([a, b]) => {
    const point = project(a, b), command = down ? "L" : "M";
    down = point !== null;
    return point ? `${command}${point[0].toFixed(1)} ${point[1].toFixed(1)}` : "";
  }).join("");
}
